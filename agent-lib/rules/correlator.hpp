// From single matches to signals: thresholds, windows, folding of repeats. One owner, one thread.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent-lib/events/event_record.hpp"
#include "agent-lib/rules/rule_matcher.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

inline constexpr Duration k_default_rule_window = std::chrono::seconds{60};
inline constexpr Duration k_min_rule_window = std::chrono::seconds{1};
inline constexpr Duration k_max_rule_window = std::chrono::hours{24};
inline constexpr std::uint32_t k_max_rule_threshold = 1000;  // A group remembers as many times as its threshold.
inline constexpr std::size_t k_max_correlator_groups = 1024;

// What a rule that leaves them out means.
Duration window_of(const v1::Rule& rule);
std::uint32_t threshold_of(const v1::Rule& rule);

// What the match says, for so many of its kind.
v1::Signal signal_of(const RuleMatch& match, const EventRecord& event, std::uint64_t count);

// A group is: one rule, one computer, the same values of the rule's group_by captures. Beyond k_max_correlator_groups
// the group that was not seen for longest is given up; its folded repeats come out with the next flush.
// Time may go either way, so that an export that begins with the newest event gives the same answer.
class Correlator {
 public:
  // Counts the match. A signal when the group's threshold is reached; repeats within the window after it are folded.
  std::optional<v1::Signal> add(const RuleMatch& match, const EventRecord& event, SteadyTime now);
  // Folded repeats whose window has ended, as one signal per group with their count. Call now and then.
  std::vector<v1::Signal> flush(SteadyTime now);
  // All folded repeats, ended or not, for whoever stops. Forgets every group.
  std::vector<v1::Signal> drain();
  // When flush has something to do; nullopt: nothing is folded.
  std::optional<SteadyTime> next_flush() const;

  std::size_t groups() const { return groups_.size(); }

 private:
  struct Group {
    std::string key;
    Duration window{};
    std::vector<SteadyTime> recent;       // Matches that count towards the threshold.
    std::optional<SteadyTime> signalled;  // Repeats are folded for a window from here.
    v1::Signal folded;                    // count 0: none.
  };
  struct Due {
    SteadyTime at;
    v1::Signal signal;
  };

  Group& group_of(const RuleMatch& match, const EventRecord& event, SteadyTime now);
  void end_window(Group& group, SteadyTime now);
  void make_due(v1::Signal signal, SteadyTime now);

  std::list<Group> groups_;                                                  // The least recently seen first.
  std::unordered_map<std::string_view, std::list<Group>::iterator> by_key_;  // Views of the groups' keys.
  std::vector<Due> due_;  // Folded repeats of windows that ended before a flush came.
};

}  // namespace rdpmend
