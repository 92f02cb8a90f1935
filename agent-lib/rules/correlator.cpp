#include "agent-lib/rules/correlator.hpp"

#include <algorithm>
#include <utility>

namespace rdpmend {

namespace {

std::string group_key(const RuleMatch& match, const EventRecord& event) {
  // NUL cannot occur in any of them. The computer, because an export of a collector holds the events of many.
  std::string key = match.rule->id() + '\0' + event.computer;
  for (const auto& name : match.rule->group_by()) {
    key += '\0';
    if (const auto found = match.captures.find(name); found != match.captures.end()) key += found->second;
  }
  return key;
}

// Unsigned in between: an export may hold times that are centuries apart.
Duration distance(SteadyTime a, SteadyTime b) {
  const auto [low, high] = std::minmax(a, b);
  const auto apart = static_cast<std::uint64_t>(high.count()) - static_cast<std::uint64_t>(low.count());
  return apart > static_cast<std::uint64_t>(Duration::max().count()) ? Duration::max()
                                                                     : Duration(static_cast<std::int64_t>(apart));
}

}  // namespace

v1::Signal signal_of(const RuleMatch& match, const EventRecord& event, std::uint64_t count) {
  const auto& rule = *match.rule;
  v1::Signal signal;
  signal.set_kind(v1::Signal::KIND_EVENT);
  *signal.mutable_fault_ids() = rule.faults();
  signal.set_rule_id(rule.id());
  signal.set_channel(event.channel.empty() ? rule.channel() : event.channel);
  signal.set_provider(event.provider);
  signal.set_event_id(event.event_id);
  signal.set_event_record_id(event.record_id);
  if (event.time) *signal.mutable_event_time() = to_proto(*event.time);
  signal.set_count(count);
  signal.mutable_captures()->insert(match.captures.begin(), match.captures.end());
  return signal;
}

Duration window_of(const v1::Rule& rule) {
  return rule.has_window() ? from_proto(rule.window()) : k_default_rule_window;
}

std::uint32_t threshold_of(const v1::Rule& rule) {
  return std::max(rule.threshold(), 1U);
}

std::optional<v1::Signal> Correlator::add(const RuleMatch& match, const EventRecord& event, SteadyTime now) {
  auto& group = group_of(match, event, now);
  if (group.signalled && distance(now, *group.signalled) >= group.window) end_window(group, now);
  if (group.signalled) {
    group.folded = signal_of(match, event, group.folded.count() + 1);
    return std::nullopt;
  }
  std::erase_if(group.recent, [&](SteadyTime seen) { return distance(now, seen) >= group.window; });
  group.recent.push_back(now);
  if (group.recent.size() < threshold_of(*match.rule)) return std::nullopt;

  auto signal = signal_of(match, event, group.recent.size());
  group.recent.clear();
  group.signalled = now;
  return signal;
}

// The match's group, now the most recently seen one.
Correlator::Group& Correlator::group_of(const RuleMatch& match, const EventRecord& event, SteadyTime now) {
  auto key = group_key(match, event);
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    groups_.splice(groups_.end(), groups_, known->second);
    return groups_.back();
  }
  if (groups_.size() == k_max_correlator_groups) {
    auto& oldest = groups_.front();
    end_window(oldest, now);
    by_key_.erase(oldest.key);
    groups_.pop_front();
  }
  auto& group = groups_.emplace_back();
  group.key = std::move(key);
  group.window = window_of(*match.rule);
  by_key_.emplace(group.key, std::prev(groups_.end()));
  return group;
}

void Correlator::end_window(Group& group, SteadyTime now) {
  group.signalled.reset();
  if (group.folded.count() > 0) make_due(std::exchange(group.folded, {}), now);
}

// Bounded even if nobody flushes: then repeats of a rule are counted together.
void Correlator::make_due(v1::Signal signal, SteadyTime now) {
  if (due_.size() >= k_max_correlator_groups) {
    const auto same = std::find_if(due_.rbegin(), due_.rend(),
                                   [&](const Due& due) { return due.signal.rule_id() == signal.rule_id(); });
    if (same != due_.rend()) {
      same->signal.set_count(same->signal.count() + signal.count());
      return;
    }
  }
  due_.push_back({now, std::move(signal)});
}

std::vector<v1::Signal> Correlator::flush(SteadyTime now) {
  for (auto group = groups_.begin(); group != groups_.end();) {
    const auto next = std::next(group);
    if (group->signalled && distance(now, *group->signalled) >= group->window) {
      end_window(*group, now);
      by_key_.erase(group->key);
      groups_.erase(group);
    }
    group = next;
  }
  std::vector<v1::Signal> signals;
  for (auto& due : std::exchange(due_, {})) signals.push_back(std::move(due.signal));
  return signals;
}

std::vector<v1::Signal> Correlator::drain() {
  for (auto& group : groups_) end_window(group, {});
  by_key_.clear();
  groups_.clear();
  return flush({});
}

std::optional<SteadyTime> Correlator::next_flush() const {
  std::optional<SteadyTime> next;
  const auto consider = [&](SteadyTime at) { next = next ? std::min(*next, at) : at; };
  for (const auto& due : due_) consider(due.at);
  for (const auto& group : groups_) {
    if (group.signalled && group.folded.count() > 0) consider(*group.signalled + group.window);
  }
  return next;
}

}  // namespace rdpmend
