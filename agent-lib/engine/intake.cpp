#include "agent-lib/engine/intake.hpp"

#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

std::vector<v1::Signal> Intake::take(const std::string& channel, const EventBatch& batch, SteadyTime now) {
  std::vector<v1::Signal> signals;
  if (batch.gap) {
    v1::Signal& gap = signals.emplace_back();
    gap.set_kind(v1::Signal::KIND_GAP);
    gap.set_channel(channel);
  }
  for (const auto& xml : batch.xml) {
    const auto event = parse_event(xml);
    if (!event) {
      log::warning("an event of {} cannot be read: {}", channel, to_string(event.error()));
      continue;
    }
    const auto matches = matcher_.match(*event);
    if (!matches.empty() && own_probes_.caused(*event)) {
      ++left_out_;
      continue;
    }
    for (const auto& match : matches) {
      const bool counts = match.rule->effect() == v1::RULE_EFFECT_COUNTS;
      auto signal = counts ? tallies_.count(match, *event) : correlator_.add(match, *event, now);
      if (signal) signals.push_back(std::move(*signal));
    }
  }
  return signals;
}

}  // namespace rdpmend
