// From a batch of event XML to what the journal should say about it: events -> rules -> correlator -> signals.
#pragma once

#include <string>
#include <vector>

#include "agent-lib/host/event_channels.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/rules/correlator.hpp"
#include "agent-lib/rules/rule_matcher.hpp"

namespace rdpmend {

class Intake {
 public:
  explicit Intake(const Catalogue& catalogue) : matcher_(catalogue.rules()) {}

  // Signals of this batch, a gap included. Events that cannot be parsed are logged and passed over.
  std::vector<v1::Signal> take(const std::string& channel, const EventBatch& batch, SteadyTime now);
  // Folded repeats whose window is over.
  std::vector<v1::Signal> flush(SteadyTime now) { return correlator_.flush(now); }
  std::optional<SteadyTime> next_flush() const { return correlator_.next_flush(); }

 private:
  RuleMatcher matcher_;
  Correlator correlator_;
};

}  // namespace rdpmend
