// The tallies of all rules that count. They are fed by the events that the reader delivers, and what was logged before
// the service started, or was lost, is read back from the log: each event once.
//
// A wall clock that is set moves no window: an event's time says how long ago it happened when it is read, and an event
// of the future, logged before the clock was set back, happens now.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/engine/own_probes.hpp"
#include "agent-lib/host/clock.hpp"
#include "agent-lib/host/event_channels.hpp"
#include "agent-lib/rules/rule_matcher.hpp"
#include "agent-lib/rules/tally.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

// What one look sees of them.
class TalliesSnapshot {
 public:
  // What the rule has counted in its window. unsupported: no rule of this id counts, for example because the site
  // has switched it off. Any other error: the log could not be read back, and what rests on the count is not known.
  Result<TallySnapshot> of(std::string_view rule_id) const;

 private:
  friend class Tallies;
  std::map<std::string, Result<TallySnapshot>, std::less<>> by_rule_;
};

// Thread-safe: the engine counts, and the worker reads back and looks.
class Tallies {
 public:
  static constexpr std::size_t k_most_read_back = 5000;             // Events of a rule, the newest.
  static constexpr Duration k_deadline = std::chrono::seconds{10};  // For one reading back, whatever is asked for.

  // Both outlive it.
  Tallies(const std::vector<v1::Rule>& rules, const Clock& clock);

  // A match of a rule that counts. A signal: the event's group has reached the rule's threshold, and it points to
  // faults.
  std::optional<v1::Signal> count(const RuleMatch& match, const EventRecord& event);

  // Events of the channel were lost, and its records may be numbered anew: what was counted of it is not known until
  // the log is read back. False: nothing of it is counted.
  bool begin_anew(std::string_view channel);
  // Reads back what is not known, and says in the log what cannot be read. May block; false: something is still not
  // known.
  bool read_back(const EventChannels& events, const OwnProbes& own_probes);

  TalliesSnapshot snapshot() const;

 private:
  struct Entry {
    explicit Entry(const v1::Rule& counting) : rule(counting), tally(counting) {}
    const v1::Rule& rule;
    Tally tally;
    std::optional<Error> not_known;
    std::uint64_t beginnings = 0;            // How often it has begun anew.
    std::uint64_t counted_up_to = 0;         // Record.
    std::optional<std::uint64_t> live_from;  // The first record that the reader gave. What comes after it is not read
                                             // back.
  };

  void add_read_back(Entry& entry, const std::vector<std::string>& events, const OwnProbes& own_probes);
  bool add(Entry& entry, const RuleMatch& match, const EventRecord& event);

  const Clock& clock_;
  const RuleMatcher matcher_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> by_rule_;  // The keys never change.
};

}  // namespace rdpmend
