#include "agent-lib/engine/decisions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/record/fold.hpp"
#include "agent-lib/record/words.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_try_pause = std::chrono::seconds{10};  // Before an incident whose repair failed to begin.
constexpr std::string_view k_decisions = "decisions about incidents";

}  // namespace

// Decides about every open incident; what cannot begin now is considered again later.
void Decisions::consider_all() {
  parts_.agenda.cancel(k_decisions);
  if (stopping_) return;
  for (const auto& incident : parts_.ledger.read([](const IncidentBook& book) { return book.open(); })) {
    if (!parts_.repairs.under_way(incident->id())) consider(*incident);
  }
}

void Decisions::consider(const v1::Incident& incident) {
  switch (incident.state()) {
    case v1::INCIDENT_STATE_REPAIRING:
      // Interrupted by a crash, or by a journal that could not be written.
      if (may_try(incident.id())) parts_.repairs.resume(incident.id());
      return;
    case v1::INCIDENT_STATE_AWAITING_APPROVAL: consider_waiting(incident); return;
    case v1::INCIDENT_STATE_ESCALATED:
      // Only a report: once the cause that forbids a repair is gone, it is an ordinary incident again.
      if (!incident.diagnosis().repairable() || incident.attempts() > 0 || incident.repair().has_plan()) return;
      break;
    default: break;
  }
  const auto* fault = parts_.catalogue.find_fault(incident.diagnosis().fault_id());
  if (fault == nullptr) {
    return set_state(incident, v1::INCIDENT_STATE_ESCALATED,
                     fmt::format("this version of the service knows no fault {}", incident.diagnosis().fault_id()));
  }
  if (const auto* mask = parts_.lookout.mask_of(fault->id())) {
    // A mask may stay for long, so that what was undone waits for it like any other, and says so.
    const bool undone = incident.state() == v1::INCIDENT_STATE_ROLLED_BACK;
    if (undone || incident.state() == v1::INCIDENT_STATE_OPEN) set_state(incident, v1::INCIDENT_STATE_OPEN, *mask);
    return;
  }
  const auto wall = parts_.clock.now();
  const auto decision = parts_.ledger.read([&](const IncidentBook& book) {
    return parts_.policy.decide(*fault, incident, book, wall, parts_.clock.utc_offset());
  });
  switch (decision.what) {
    case Decision::What::begin:
    case Decision::What::propose:
      if (may_try(incident.id())) parts_.repairs.begin(incident.id(), decision.what == Decision::What::propose);
      break;
    case Decision::What::escalate: set_state(incident, v1::INCIDENT_STATE_ESCALATED, decision.reason); break;
    case Decision::What::observe: set_state(incident, v1::INCIDENT_STATE_OPEN, decision.reason); break;
    case Decision::What::wait:
      // What was undone stays visible as such for the time of a wait; only an open incident says what it waits for.
      if (incident.state() == v1::INCIDENT_STATE_OPEN) set_state(incident, v1::INCIDENT_STATE_OPEN, decision.reason);
      if (decision.again) consider_at(now() + (*decision.again - wall));
      break;
  }
}

// Not at once again what failed a moment ago.
bool Decisions::may_try(std::uint64_t incident_id) {
  const auto last = last_try_.find(incident_id);
  if (last != last_try_.end() && now() < last->second + k_try_pause) {
    consider_at(last->second + k_try_pause);
    return false;
  }
  std::erase_if(last_try_, [&](const auto& tried) { return now() >= tried.second + k_try_pause; });
  last_try_[incident_id] = now();
  return true;
}

void Decisions::consider_waiting(const v1::Incident& incident) {
  const auto since = from_proto(incident.state_since());
  const auto left = since + parts_.policy.approval_timeout() - parts_.clock.now();
  if (left > Duration::zero()) return consider_at(now() + left);
  const auto reason = fmt::format("nobody approved within {}", to_human(parts_.policy.approval_timeout()));
  if (!has_written(incident.repair())) return set_state(incident, v1::INCIDENT_STATE_ESCALATED, reason);
  if (may_try(incident.id())) parts_.repairs.roll_back(incident.id(), reason);
}

void Decisions::consider_at(SteadyTime time) {
  parts_.agenda.not_later_than(k_decisions, std::max(time, now() + std::chrono::milliseconds{10}),
                               [this] { consider_all(); });
}

void Decisions::set_state(const v1::Incident& incident, v1::IncidentState to, const std::string& reason) {
  (void)parts_.ledger.set_state(incident.id(), to, reason);  // What cannot be recorded now is considered again.
}

}  // namespace rdpmend
