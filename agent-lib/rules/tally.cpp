#include "agent-lib/rules/tally.hpp"

#include <algorithm>

#include "agent-lib/rules/correlator.hpp"
#include "agent-lib/support/log.hpp"
#include "agent-lib/support/printable.hpp"

namespace rdpmend {

namespace {

// Times before the host's start are negative.
std::int64_t part_of(SteadyTime time, Duration part) {
  return (time.count() - (time.count() < 0 ? part.count() - 1 : 0)) / part.count();
}

}  // namespace

void Tally::Count::add(SteadyTime at, SteadyTime now, Duration part) {
  parts_.erase(parts_.begin(), parts_.upper_bound(part_of(now, part) - k_tally_parts));
  ++parts_[part_of(at, part)];
}

std::uint64_t Tally::Count::in_window(SteadyTime now, Duration part) const {
  std::uint64_t sum = 0;
  for (auto at = parts_.upper_bound(part_of(now, part) - k_tally_parts); at != parts_.end(); ++at) sum += at->second;
  return sum;
}

Tally::Tally(const v1::Rule& rule) : rule_(rule), window_(window_of(rule)), part_(window_ / k_tally_parts) {}

bool Tally::add(const std::map<std::string, std::string>& captures, SteadyTime at, WallTime logged, SteadyTime now) {
  if (part_of(at, part_) <= part_of(now, part_) - k_tally_parts) return false;  // Before the window.
  total_.add(at, now, part_);
  auto& group = group_of(captures, now);
  const auto before = group.count.in_window(now, part_);
  group.count.add(at, now, part_);
  group.last = logged;
  remember_values(group, captures, at, now);
  const std::uint64_t threshold = threshold_of(rule_);
  if (before >= threshold || group.count.in_window(now, part_) < threshold) return false;
  if (signalled_ && now - *signalled_ < k_between_tally_signals) return false;
  signalled_ = now;
  return true;
}

// The captures' group, now the most recently seen one.
Tally::Group& Tally::group_of(const std::map<std::string, std::string>& captures, SteadyTime now) {
  std::map<std::string, std::string> key;
  std::string name;
  for (const auto& capture : rule_.group_by()) {
    const auto found = captures.find(capture);
    auto value = found == captures.end() ? std::string() : clipped(found->second, k_max_tally_value_bytes);
    name += value + '\0';
    key.emplace(capture, std::move(value));
  }
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    groups_.splice(groups_.end(), groups_, known->second);
    return groups_.back();
  }
  if (groups_.size() == k_max_tally_groups) {
    // One that the window no longer holds is no loss.
    if (groups_.front().count.in_window(now, part_) > 0) {
      if (!in_window(incomplete_, now))
        log::warning("rule {} has more than {} groups: those not seen for longest are forgotten", rule_.id(),
                     k_max_tally_groups);
      incomplete_ = now;
    }
    by_name_.erase(groups_.front().name);
    groups_.pop_front();
  }
  auto& group = groups_.emplace_back();
  group.name = std::move(name);
  group.key = std::move(key);
  by_name_.emplace(group.name, std::prev(groups_.end()));
  return group;
}

void Tally::remember_values(Group& group, const std::map<std::string, std::string>& captures, SteadyTime at,
                            SteadyTime now) const {
  for (const auto& [capture, value] : captures) {
    if (is_grouped_by(capture) || value.empty()) continue;
    auto& known = group.values[capture];
    const auto text = clipped(value, k_max_tally_value_bytes);
    std::erase_if(known, [&](const Value& one) { return one.text == text || now - one.seen >= window_; });
    if (known.size() == k_max_tally_values) {
      known.erase(known.begin());
      group.values_given_up = now;
    }
    known.push_back({text, at});
  }
}

bool Tally::is_grouped_by(std::string_view capture) const {
  return std::find(rule_.group_by().begin(), rule_.group_by().end(), capture) != rule_.group_by().end();
}

bool Tally::in_window(const std::optional<SteadyTime>& time, SteadyTime now) const {
  return time && now - *time < window_;
}

void Tally::clear() {
  total_ = {};
  by_name_.clear();
  groups_.clear();
  incomplete_.reset();
}

TallySnapshot Tally::snapshot(SteadyTime now) const {
  TallySnapshot seen{.window = window_,
                     .threshold = threshold_of(rule_),
                     .total = total_.in_window(now, part_),
                     .at_least = in_window(incomplete_, now),
                     .groups = {}};
  for (const auto& group : groups_) {
    const auto count = group.count.in_window(now, part_);
    if (count == 0) continue;
    auto& out = seen.groups.emplace_back();
    out.key = group.key;
    out.count = count;
    out.last = group.last;
    out.more_values = in_window(group.values_given_up, now);
    for (const auto& [capture, values] : group.values) {
      for (const auto& value : values) {
        if (now - value.seen < window_) out.values[capture].push_back(value.text);
      }
    }
  }
  std::stable_sort(seen.groups.begin(), seen.groups.end(),
                   [](const TallyGroup& a, const TallyGroup& b) { return a.count > b.count; });
  return seen;
}

}  // namespace rdpmend
