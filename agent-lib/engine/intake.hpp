// From a batch of event XML to what the journal should say about it: events -> rules -> correlator or tally -> signals.
// What our own probes made the host log is left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent-lib/engine/own_probes.hpp"
#include "agent-lib/engine/tallies.hpp"
#include "agent-lib/host/event_channels.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/rules/correlator.hpp"
#include "agent-lib/rules/rule_matcher.hpp"

namespace rdpmend {

class Intake {
 public:
  // All of them outlive it.
  Intake(const Catalogue& catalogue, const OwnProbes& own_probes, Tallies& tallies)
      : matcher_(catalogue.rules()), own_probes_(own_probes), tallies_(tallies) {}

  // Signals of this batch, a gap included. Events that cannot be parsed are logged and passed over.
  std::vector<v1::Signal> take(const std::string& channel, const EventBatch& batch, SteadyTime now);
  // Folded repeats whose window is over.
  std::vector<v1::Signal> flush(SteadyTime now) { return correlator_.flush(now); }
  std::optional<SteadyTime> next_flush() const { return correlator_.next_flush(); }
  // Events that a rule asks for and that were about our own probes.
  std::uint64_t left_out() const { return left_out_; }

 private:
  RuleMatcher matcher_;
  const OwnProbes& own_probes_;
  Tallies& tallies_;
  std::uint64_t left_out_ = 0;
  Correlator correlator_;
};

}  // namespace rdpmend
