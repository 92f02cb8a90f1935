#include "agent-lib/sim/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent-lib/sim/world.hpp"

namespace rdpmend::sim {

EventLog::EventLog() {
  for (const auto name : k_channels) channels_[lower(name)].name = name;
}

void EventLog::append(const SimEvent& event, WallTime time, std::string_view computer) {
  auto& channel = channels_.at(lower(event.channel));
  const auto id = ++channel.last_id;
  channel.records.push_back({id, time, std::string(event.provider.name), event.id, render(event, id, time, computer)});
  if (channel.records.size() > k_max_records) channel.records.pop_front();
  ++written_;
}

const EventLog::Channel* EventLog::find(std::string_view name) const {
  const auto found = channels_.find(lower(name));
  return found == channels_.end() ? nullptr : &found->second;
}

std::vector<std::string> EventLog::look_up(const Channel& channel, const EventLookup& what) const {
  std::vector<std::string> found;
  const auto provider = lower(what.provider);
  for (auto at = channel.records.rbegin(); at != channel.records.rend() && found.size() < what.max; ++at) {
    if (at->time < what.since || lower(at->provider) != provider) continue;
    if (std::ranges::find(what.event_ids, at->event_id) != what.event_ids.end()) found.push_back(at->xml);
  }
  return found;
}

std::string bookmark_text(std::string_view channel, std::uint64_t record_id) {
  return fmt::format("<BookmarkList>\r\n  <Bookmark Channel='{}' RecordId='{}' IsCurrent='true'/>\r\n</BookmarkList>",
                     channel, record_id);
}

std::uint64_t bookmark_record(std::string_view text) {
  constexpr std::string_view k_attribute = "RecordId='";
  const auto at = text.find(k_attribute);
  if (at == std::string_view::npos) return 0;
  std::uint64_t id = 0;
  std::from_chars(text.data() + at + k_attribute.size(), text.data() + text.size(), id);
  return id;
}

}  // namespace rdpmend::sim
