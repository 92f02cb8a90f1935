// The few fields of an event that queries speak of, read from its XML by a scan of our own: it shares no line with the
// parser of the product, so that both being wrong alike cannot go unseen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rdpmend::lab {

struct EventFields {
  std::string provider;
  std::uint32_t event_id = 0;
  std::uint32_t level = 0;
  std::uint64_t record_id = 0;
  std::uint64_t time = 0;  // FILETIME: steps of 100 ns since 1601.
};

EventFields read_event_fields(std::string_view xml);
// The same event with another EventRecordID.
std::string with_record_id(std::string_view xml, std::uint64_t record_id);
// The same event with another TimeCreated.
std::string with_time(std::string_view xml, std::uint64_t file_time);

std::string unescape_xml(std::string_view text);
// "2024-05-01T12:00:00.1234567Z" and shorter. nullopt: not such a text.
std::optional<std::uint64_t> parse_system_time(std::string_view text);
std::string format_system_time(std::uint64_t file_time);
std::uint64_t file_time_now();

}  // namespace rdpmend::lab
