// Looking back into a channel: a query, newest first.
// https://learn.microsoft.com/windows/win32/wes/querying-for-events
#include <fmt/format.h>

#include <chrono>

#include "agent-lib/support/log.hpp"
#include "agent-lib/win32/event_channels.hpp"
#include "agent-lib/win32/event_rendering.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

// Windows takes about 20 expressions in one XPath. https://learn.microsoft.com/windows/win32/wes/consuming-events
constexpr std::size_t k_max_ids = 16;

// The query's time has milliseconds; whoever asks for what came after a moment means exactly that.
bool is_since(std::string_view xml, WallTime since) {
  constexpr std::string_view k_attribute = "SystemTime=";
  const auto at = xml.find(k_attribute);
  if (at == std::string_view::npos || at + k_attribute.size() + 1 >= xml.size()) return true;
  const auto quoted = xml.substr(at + k_attribute.size());
  const auto time = parse_iso8601(quoted.substr(1, quoted.find(quoted.front(), 1) - 1));
  return !time || *time >= since;
}

Result<std::string> xpath_of(const EventLookup& what) {
  if (what.event_ids.empty() || what.event_ids.size() > k_max_ids) {
    return fail(ErrorCode::invalid_argument, fmt::format("a look-up takes 1 to {} event ids", k_max_ids));
  }
  if (what.provider.find('\'') != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "a provider's name with a quote cannot be looked up");
  }
  std::string ids;
  for (const auto id : what.event_ids) ids += fmt::format("{}EventID={}", ids.empty() ? "" : " or ", id);
  return fmt::format("*[System[Provider[@Name='{}'] and ({}) and TimeCreated[@SystemTime>='{}']]]", what.provider, ids,
                     to_iso8601(what.since));
}

}  // namespace

Result<std::vector<std::string>> Win32EventChannels::look_up(const EventLookup& what) const {
  const auto xpath = xpath_of(what);
  if (!xpath) return fail(xpath.error());
  const UniqueEvt results{EvtQuery(nullptr, widen(what.channel).c_str(), widen(*xpath).c_str(),
                                   EvtQueryChannelPath | EvtQueryReverseDirection)};
  if (!results) return fail(last_error(about_channel("query", what.channel)));
  std::vector<std::string> found;
  const auto end = std::chrono::steady_clock::now() + what.deadline;
  while (found.size() < what.max) {
    if (std::chrono::steady_clock::now() >= end)
      return fail(ErrorCode::timeout, fmt::format("cannot look back into channel {} in time", what.channel));
    const auto events = next_events(results, what.max - found.size(), what.channel);
    if (!events && is_invalid_operation(events.error())) break;
    if (!events) return fail(events.error());
    if (events->empty()) break;
    for (const auto& event : *events) {
      auto xml = event_xml(event);
      if (!xml) {
        log::warning("an event of channel {} is skipped: {}", what.channel, to_string(xml.error()));
      } else if (is_since(*xml, what.since)) {
        found.push_back(std::move(*xml));
      }
    }
  }
  return found;
}

}  // namespace rdpmend::win32
