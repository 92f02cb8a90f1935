// From single matches to signals: thresholds, windows, folding of repeats. One owner, one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent-lib/events/event_record.hpp"
#include "agent-lib/rules/rule_matcher.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

class Correlator {
 public:
  // Counts the match. A signal when the group's threshold is reached; repeats within the window after it are folded.
  std::optional<v1::Signal> add(const RuleMatch& match, const EventRecord& event, SteadyTime now);
  // Folded repeats whose window has ended, as one signal per group with their count. Call now and then.
  std::vector<v1::Signal> flush(SteadyTime now);
  // When flush has something to do; nullopt: nothing is folded.
  std::optional<SteadyTime> next_flush() const;
};

}  // namespace rdpmend
