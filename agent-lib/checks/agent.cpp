// The service itself: its event logs are followed, nothing that was configured is missing, and repairs may start.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"
#include "agent-lib/support/enum_word.hpp"

namespace rdpmend::checks {

namespace {

// Records that have not been read yet are no trouble; a log without a subscription is.
bool is_followed(const v1::ChannelStatus& channel) {
  return channel.state() == v1::ChannelStatus::STATE_FOLLOWED || channel.state() == v1::ChannelStatus::STATE_BEHIND;
}

// How many are followed; false: not all have been tried yet.
bool add_channels(const OwnState& own, Answer& answer) {
  std::size_t followed = 0, absent = 0, untried = 0;
  for (const auto& channel : own.channels) {
    if (is_followed(channel)) ++followed;
    if (channel.state() == v1::ChannelStatus::STATE_ABSENT) ++absent;
    if (channel.state() == v1::ChannelStatus::STATE_UNSPECIFIED) ++untried;
    if (channel.state() != v1::ChannelStatus::STATE_CLOSED) continue;
    answer.saw("event log " + channel.channel(), channel.detail(), "followed", "the service");
    answer.complains(fmt::format("event log {} is not followed: {}", channel.channel(), channel.detail()));
  }
  answer.saw("event logs", fmt::format("{} followed, {} not on this host", followed, absent),
             fmt::format("{} followed", own.channels.size() - absent), "the service");
  return followed > 0 && untried == 0;
}

void add_mode(const OwnState& own, Answer& answer) {
  std::string modes;
  for (const auto& [mode, count] : own.mode_counts) {
    if (!modes.empty()) modes += ", ";
    modes += fmt::format("{} {}", count, enum_word(v1::FaultMode_Name(mode), "FAULT_MODE_"));
  }
  if (!modes.empty()) answer.saw("faults by what may be done about them", modes, "", "policy in force");
  answer.saw("repairs", own.breaker_open ? "none starts by itself: too many failed in a row" : "may start", "may start",
             "the service");
  if (own.breaker_open) answer.complains("no repair starts by itself: too many failed in a row");
}

}  // namespace

v1::Check look_at_agent(const Look& look, const OwnState& own) {
  Answer answer;
  const bool all_tried = add_channels(own, answer);
  for (const auto& what : own.degraded) {
    answer.saw("degraded", what, "nothing", "the service");
    answer.complains(what);
  }
  if (own.degraded.empty()) answer.saw("journal, configuration and keys", "in order", "in order", "the service");
  answer.saw("last sweep before this look", own.last_sweep ? to_iso8601(*own.last_sweep) : "none yet", "",
             "the service");
  add_mode(own, answer);
  if (answer.has_complaints()) return answer.faulty();
  if (!all_tried) return answer.unknown("the event logs are not followed yet");
  return answer.healthy(
      fmt::format("rdpmend on {} follows its event logs, and nothing of it is degraded", look.host.identity.name));
}

}  // namespace rdpmend::checks
