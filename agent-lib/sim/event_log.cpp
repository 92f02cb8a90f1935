#include "agent-lib/sim/event_log.hpp"

#include <algorithm>

#include "agent-lib/sim/world.hpp"

namespace rdpmend::sim {

EventLog::EventLog() {
  for (const auto name : k_channels) add_channel(name);
}

void EventLog::add_channel(std::string_view name) {
  if (const auto [added, is_new] = channels_.try_emplace(lower(name)); is_new) added->second.name = name;
}

void EventLog::append(const SimEvent& event, WallTime time, std::string_view computer) {
  auto& channel = named(event.channel);
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

EventLog::Channel& EventLog::named(std::string_view name) {
  add_channel(name);
  return channels_.at(lower(name));
}

void EventLog::kill_subscriptions(v1::SimEventLog::Dead dead) {
  for (auto& [name, channel] : channels_) {
    ++channel.deaths;
    channel.dead = dead;
  }
}

void EventLog::apply(const v1::SimEventLog& change) {
  if (change.restarts()) kill_subscriptions(change.dead());
  for (const auto& name : change.falls_silent()) {
    ++named(name).deaths;
    named(name).dead = change.dead();
  }
  for (const auto& name : change.strict_not_found()) named(name).strict_not_found = true;
  for (const auto& name : change.unreadable()) named(name).unreadable = true;
  for (const auto& name : change.readable()) named(name).unreadable = false;
  for (const auto& name : change.next_is_large()) named(name).large.insert(named(name).last_id + 1);
  for (const auto& name : change.next_is_undeliverable()) named(name).undeliverable.insert(named(name).last_id + 1);
}

}  // namespace rdpmend::sim
