// What is remembered of the events of one rule that counts: how many there were in its window, by group. Looks ask for
// it: of what only events tell, this is the state.
//
// Times are on the steady clock, so that a wall clock that is set does not move the window.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent-lib/rules/rule_matcher.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

inline constexpr std::size_t k_max_tally_groups = 512;
inline constexpr std::size_t k_max_tally_values = 16;        // Of each capture of a group.
inline constexpr std::size_t k_max_tally_value_bytes = 256;  // Of each of them.
inline constexpr std::int64_t k_tally_parts = 60;            // Of a window. Events leave it part by part.
// Between two signals of a tally, however many groups reach its threshold; the next sweep sees the others.
inline constexpr Duration k_between_tally_signals = std::chrono::minutes{5};

struct TallyGroup {
  std::map<std::string, std::string> key;  // The captures that the rule groups by.
  std::uint64_t count = 0;                 // In the window.
  WallTime last{};                         // Of the newest of them, as the log has it.
  // Of the rule's other captures, those seen in the window, the newest last, and whether there were more.
  std::map<std::string, std::vector<std::string>> values;
  bool more_values = false;

  const std::string& of(const std::string& capture) const { return key.at(capture); }
};

// A tally at one moment.
struct TallySnapshot {
  Duration window{};
  std::uint32_t threshold = 1;
  std::uint64_t total = 0;  // In the window, over all groups.
  // There was more than can be remembered: groups are missing, those that were not seen for longest, or the log held
  // more than is read back.
  bool at_least = false;
  std::vector<TallyGroup> groups;  // The largest first.
};

class Tally {
 public:
  // The rule outlives it.
  explicit Tally(const v1::Rule& rule);

  // An event of the rule, which happened at `at` and is logged as of `logged`. True: its group has reached the
  // threshold, and the last time that one did is long enough ago.
  bool add(const std::map<std::string, std::string>& captures, SteadyTime at, WallTime logged, SteadyTime now);
  // What is asked for was not all there to be read.
  void note_incomplete(SteadyTime now) { incomplete_ = now; }
  void clear();

  TallySnapshot snapshot(SteadyTime now) const;
  std::size_t groups() const { return groups_.size(); }

 private:
  // How many in each part of the window.
  class Count {
   public:
    void add(SteadyTime at, SteadyTime now, Duration part);
    std::uint64_t in_window(SteadyTime now, Duration part) const;

   private:
    std::map<std::int64_t, std::uint64_t> parts_;
  };
  struct Value {
    std::string text;
    SteadyTime seen{};
  };
  struct Group {
    std::string name;  // For by_name_.
    std::map<std::string, std::string> key;
    Count count;
    WallTime last{};
    std::map<std::string, std::vector<Value>> values;
    std::optional<SteadyTime> values_given_up;
  };

  Group& group_of(const std::map<std::string, std::string>& captures, SteadyTime now);
  void remember_values(Group& group, const std::map<std::string, std::string>& captures, SteadyTime at,
                       SteadyTime now) const;
  bool is_grouped_by(std::string_view capture) const;
  bool in_window(const std::optional<SteadyTime>& time, SteadyTime now) const;

  const v1::Rule& rule_;
  const Duration window_;
  const Duration part_;
  Count total_;
  std::list<Group> groups_;                                                   // The least recently seen first.
  std::unordered_map<std::string_view, std::list<Group>::iterator> by_name_;  // Views of the groups' names.
  std::optional<SteadyTime> signalled_;
  std::optional<SteadyTime> incomplete_;
};

}  // namespace rdpmend
