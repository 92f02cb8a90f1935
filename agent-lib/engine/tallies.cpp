#include "agent-lib/engine/tallies.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/rules/correlator.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

Error not_read_back() {
  return {ErrorCode::unavailable, "the event log has not been read back yet", {}, {}};
}

}  // namespace

Result<TallySnapshot> TalliesSnapshot::of(std::string_view rule_id) const {
  const auto found = by_rule_.find(rule_id);
  if (found == by_rule_.end()) return fail(ErrorCode::unsupported, fmt::format("no rule {} counts events", rule_id));
  return found->second;
}

Tallies::Tallies(const std::vector<v1::Rule>& rules, const Clock& clock) : clock_(clock), matcher_(rules) {
  for (const auto& rule : rules) {
    if (rule.effect() != v1::RULE_EFFECT_COUNTS) continue;
    by_rule_.emplace(rule.id(), Entry(rule)).first->second.not_known = not_read_back();
  }
}

std::optional<v1::Signal> Tallies::count(const RuleMatch& match, const EventRecord& event) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_rule_.find(match.rule->id());
  if (found == by_rule_.end()) return std::nullopt;
  auto& entry = found->second;
  if (event.record_id != 0 && event.record_id <= entry.counted_up_to) return std::nullopt;
  if (!entry.live_from) entry.live_from = event.record_id;
  entry.counted_up_to = event.record_id;
  if (!add(entry, match, event) || match.rule->faults().empty()) return std::nullopt;
  return signal_of(match, event, threshold_of(*match.rule));
}

bool Tallies::begin_anew(std::string_view channel) {
  const std::scoped_lock lock(mutex_);
  bool any = false;
  for (auto& [id, entry] : by_rule_) {
    if (!equals_ignoring_case(entry.rule.channel(), channel)) continue;
    any = true;
    ++entry.beginnings;
    entry.tally.clear();
    entry.counted_up_to = 0;
    entry.live_from.reset();
    entry.not_known = not_read_back();
  }
  return any;
}

bool Tallies::read_back(const EventChannels& events, const OwnProbes& own_probes) {
  bool complete = true;
  const auto end = clock_.steady() + k_deadline;
  for (auto& [id, entry] : by_rule_) {
    std::uint64_t beginnings = 0;
    {
      const std::scoped_lock lock(mutex_);
      if (!entry.not_known) continue;
      beginnings = entry.beginnings;
    }
    const auto& rule = entry.rule;
    const auto found = events.look_up({.channel = rule.channel(),
                                       .provider = rule.provider(),
                                       .event_ids = {rule.event_ids().begin(), rule.event_ids().end()},
                                       .since = clock_.now() - window_of(rule),
                                       .max = k_most_read_back,
                                       .deadline = end - clock_.steady()});
    const std::scoped_lock lock(mutex_);
    if (beginnings != entry.beginnings) {
      complete = false;
    } else if (found) {
      add_read_back(entry, *found, own_probes);
      entry.not_known.reset();
    } else {
      complete = false;
      const auto why = Error(found.error()).context(fmt::format("cannot tell what rule {} has counted", id));
      if (entry.not_known->what != why.what) log::warning("{}", to_string(why));
      entry.not_known = why;
    }
  }
  return complete;
}

void Tallies::add_read_back(Entry& entry, const std::vector<std::string>& events, const OwnProbes& own_probes) {
  if (events.size() == k_most_read_back) entry.tally.note_incomplete(clock_.steady());
  for (auto xml = events.rbegin(); xml != events.rend(); ++xml) {  // The oldest first.
    const auto event = parse_event(*xml);
    if (!event || (entry.live_from && event->record_id >= *entry.live_from)) continue;
    entry.counted_up_to = std::max(entry.counted_up_to, event->record_id);
    for (const auto& match : matcher_.match(*event)) {
      if (match.rule == &entry.rule && !own_probes.caused(*event)) (void)add(entry, match, *event);
    }
  }
}

bool Tallies::add(Entry& entry, const RuleMatch& match, const EventRecord& event) {
  const auto now = clock_.now();
  const auto logged = event.time.value_or(now);
  const auto steady = clock_.steady();
  // One that is older than any window, however its time came about, overflows nothing.
  const auto age = logged >= now                       ? Duration::zero()
                   : logged + k_max_rule_window <= now ? k_max_rule_window
                                                       : now - logged;
  return entry.tally.add(match.captures, steady - age, logged, steady);
}

TalliesSnapshot Tallies::snapshot() const {
  const std::scoped_lock lock(mutex_);
  TalliesSnapshot seen;
  for (const auto& [id, entry] : by_rule_) {
    if (entry.not_known) {
      seen.by_rule_.emplace(id, fail(*entry.not_known));
    } else {
      seen.by_rule_.emplace(id, entry.tally.snapshot(clock_.steady()));
    }
  }
  return seen;
}

}  // namespace rdpmend
