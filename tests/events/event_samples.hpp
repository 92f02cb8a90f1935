// Event XML as Windows renders it, for tests.
#pragma once

#include <fmt/format.h>
#include "tests/paths.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace rdpmend {

inline constexpr std::string_view k_event_namespace = "http://schemas.microsoft.com/win/2004/08/events/event";

inline std::string make_event(std::string_view provider, std::string_view event_id, std::string_view channel,
                              std::string_view body) {
  return fmt::format(
      "<Event xmlns=\"{}\"><System><Provider Name=\"{}\"/><EventID>{}</EventID><Level>4</Level>"
      "<TimeCreated SystemTime=\"2026-08-02T10:11:12.3456789Z\"/><EventRecordID>77</EventRecordID>"
      "<Channel>{}</Channel><Computer>RDS01.contoso.com</Computer></System>{}</Event>",
      k_event_namespace, provider, event_id, channel, body);
}

inline const std::filesystem::path k_examples = test::source_dir() + "/../shared/evtx/examples.xml";
inline constexpr std::size_t k_example_events = 164;

}  // namespace rdpmend
