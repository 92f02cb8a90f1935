#include "tests/wine/lab/event_fields.hpp"

#include <windows.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace rdpmend::lab {

namespace {

struct Range {
  std::size_t begin = 0, end = 0;
};

// Where the start tag "<name ...>" is, without its angle brackets.
std::optional<Range> find_tag(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name);
  for (auto at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at + 1)) {
    const auto after = at + open.size();
    if (after >= xml.size() || std::string_view(" \t\r\n/>").find(xml[after]) == std::string_view::npos) continue;
    const auto end = xml.find('>', after);
    if (end == std::string_view::npos) return std::nullopt;
    return Range{at + 1, end};
  }
  return std::nullopt;
}

std::optional<Range> find_content(std::string_view xml, std::string_view name) {
  const auto tag = find_tag(xml, name);
  if (!tag || xml[tag->end - 1] == '/') return std::nullopt;
  const auto close = xml.find("</", tag->end);
  if (close == std::string_view::npos) return std::nullopt;
  return Range{tag->end + 1, close};
}

std::optional<Range> find_attribute(std::string_view xml, Range tag, std::string_view name) {
  const auto text = xml.substr(tag.begin, tag.end - tag.begin);
  const auto at = text.find(" " + std::string(name) + "=");
  if (at == std::string_view::npos) return std::nullopt;
  const auto quote = at + name.size() + 2;
  if (quote >= text.size()) return std::nullopt;
  const auto end = text.find(text[quote], quote + 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Range{tag.begin + quote + 1, tag.begin + end};
}

std::string_view at(std::string_view xml, std::optional<Range> range) {
  return range ? xml.substr(range->begin, range->end - range->begin) : std::string_view();
}

template <class Number>
Number to_number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string replaced(std::string_view xml, Range range, std::string_view with) {
  return std::string(xml.substr(0, range.begin)) + std::string(with) + std::string(xml.substr(range.end));
}

}  // namespace

std::string unescape_xml(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> k_entities{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}}};
  std::string out;
  while (!text.empty()) {
    std::size_t taken = 1;
    char c = text[0];
    for (const auto& [entity, plain] : k_entities) {
      if (!text.starts_with(entity)) continue;
      c = plain;
      taken = entity.size();
      break;
    }
    out += c;
    text.remove_prefix(taken);
  }
  return out;
}

EventFields read_event_fields(std::string_view xml) {
  EventFields fields;
  if (const auto tag = find_tag(xml, "Provider")) {
    fields.provider = unescape_xml(at(xml, find_attribute(xml, *tag, "Name")));
  }
  if (const auto tag = find_tag(xml, "TimeCreated")) {
    fields.time = parse_system_time(at(xml, find_attribute(xml, *tag, "SystemTime"))).value_or(0);
  }
  fields.event_id = to_number<std::uint32_t>(at(xml, find_content(xml, "EventID")));
  fields.level = to_number<std::uint32_t>(at(xml, find_content(xml, "Level")));
  fields.record_id = to_number<std::uint64_t>(at(xml, find_content(xml, "EventRecordID")));
  return fields;
}

std::string with_record_id(std::string_view xml, std::uint64_t record_id) {
  const auto content = find_content(xml, "EventRecordID");
  if (!content) throw std::runtime_error("the event has no EventRecordID element");
  return replaced(xml, *content, std::to_string(record_id));
}

std::string with_time(std::string_view xml, std::uint64_t file_time) {
  const auto tag = find_tag(xml, "TimeCreated");
  const auto value = tag ? find_attribute(xml, *tag, "SystemTime") : std::nullopt;
  if (!value) throw std::runtime_error("the event has no TimeCreated element");
  return replaced(xml, *value, format_system_time(file_time));
}

std::optional<std::uint64_t> parse_system_time(std::string_view text) {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int length = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4u-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day, &hour, &minute, &second, &length) !=
      6)
    return std::nullopt;
  const SYSTEMTIME parts{
      static_cast<WORD>(year),   static_cast<WORD>(month),  0, static_cast<WORD>(day), static_cast<WORD>(hour),
      static_cast<WORD>(minute), static_cast<WORD>(second), 0};
  FILETIME time{};
  if (!SystemTimeToFileTime(&parts, &time)) return std::nullopt;
  auto value = std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime;
  auto rest = text.substr(static_cast<std::size_t>(length));
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    for (std::uint64_t unit = 1'000'000; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; unit /= 10) {
      value += unit * static_cast<std::uint64_t>(rest[0] - '0');
      rest.remove_prefix(1);
    }
  }
  return rest.empty() || rest == "Z" ? std::optional(value) : std::nullopt;
}

std::string format_system_time(std::uint64_t file_time) {
  const FILETIME time{static_cast<DWORD>(file_time), static_cast<DWORD>(file_time >> 32)};
  SYSTEMTIME parts{};
  FileTimeToSystemTime(&time, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04u-%02u-%02uT%02u:%02u:%02u.%07uZ", unsigned{parts.wYear},
                unsigned{parts.wMonth}, unsigned{parts.wDay}, unsigned{parts.wHour}, unsigned{parts.wMinute},
                unsigned{parts.wSecond}, static_cast<unsigned>(file_time % 10'000'000));
  return text.data();
}

std::uint64_t file_time_now() {
  FILETIME time{};
  GetSystemTimePreciseAsFileTime(&time);
  return std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime;
}

}  // namespace rdpmend::lab
