#include "agent-lib/record/fold.hpp"

#include <algorithm>

#include "agent-lib/record/words.hpp"

namespace rdpmend {

using v1::StepRecord;

namespace {

StepRecord& record_of(v1::Incident& incident, std::uint32_t number) {
  for (auto& record : *incident.mutable_repair()->mutable_steps()) {
    if (record.step_number() == number) return record;
  }
  auto& record = *incident.mutable_repair()->add_steps();
  record.set_step_number(number);
  return record;
}

void set_phase(v1::Incident& incident, std::uint32_t number, StepRecord::Phase phase, const std::string& detail) {
  auto& record = record_of(incident, number);
  record.set_phase(phase);
  record.set_detail(detail);
}

void add_signal(v1::Incident& incident, const v1::Signal& signal) {
  *incident.mutable_last_signal() = signal;
  incident.set_signal_count(incident.signal_count() + std::max<std::uint64_t>(signal.count(), 1));
}

void begin_repair(v1::Incident& incident, const v1::JournalEntry& entry) {
  auto& repair = *incident.mutable_repair();
  *repair.mutable_started() = entry.time();
  repair.clear_ended();
  repair.clear_verdict();
  repair.clear_steps();
  for (const auto& state : entry.repair_started().snapshot()) {
    auto& record = record_of(incident, state.step_number());
    record.set_phase(StepRecord::PHASE_CAPTURED);
    *record.mutable_before() = state;
  }
  incident.set_attempts(incident.attempts() + 1);
  incident.clear_rollback_blocked();
}

void open(v1::Incident& incident, const v1::JournalEntry& entry) {
  incident.set_id(entry.incident_id());
  incident.set_state(v1::INCIDENT_STATE_OPEN);
  *incident.mutable_diagnosis() = entry.incident_opened().diagnosis();
  *incident.mutable_first_signal() = entry.incident_opened().signal();
  add_signal(incident, entry.incident_opened().signal());
  *incident.mutable_opened() = entry.time();
  *incident.mutable_state_since() = entry.time();
  incident.set_first_seq(entry.seq());
}

// There is nothing to undo then.
bool wrote_nothing(const v1::StepFailed& failed) {
  return failed.cause() == v1::StepFailed::CAUSE_UNREADABLE || failed.cause() == v1::StepFailed::CAUSE_CONFLICT;
}

}  // namespace

v1::Incident folded(v1::Incident incident, const v1::JournalEntry& entry) {
  *incident.mutable_updated() = entry.time();
  incident.set_last_seq(entry.seq());
  switch (entry.body_case()) {
    case v1::JournalEntry::kIncidentOpened: open(incident, entry); break;
    case v1::JournalEntry::kSignalRaised: add_signal(incident, entry.signal_raised().signal()); break;
    case v1::JournalEntry::kIncidentUpdated:
      *incident.mutable_diagnosis() = entry.incident_updated().diagnosis();
      break;
    case v1::JournalEntry::kIncidentStateChanged: {
      const auto& change = entry.incident_state_changed();
      if (incident.state() != change.to()) *incident.mutable_state_since() = entry.time();
      incident.set_state(change.to());
      incident.set_reason(change.reason());
      if (is_closed(change.to())) {
        *incident.mutable_closed() = entry.time();
      } else {
        incident.clear_closed();
      }
      break;
    }
    case v1::JournalEntry::kPlanMade:
      incident.clear_repair();
      *incident.mutable_repair()->mutable_plan() = entry.plan_made().plan();
      break;
    case v1::JournalEntry::kRepairStarted: begin_repair(incident, entry); break;
    case v1::JournalEntry::kRungStarted: {
      auto& repair = *incident.mutable_repair();
      repair.set_rung(entry.rung_started().rung());
      *repair.mutable_rung_started() = entry.time();
      repair.clear_verdict();
      break;
    }
    case v1::JournalEntry::kStepIntended: {
      const auto& intended = entry.step_intended();
      set_phase(incident, intended.step_number(), StepRecord::PHASE_INTENDED, "");
      *record_of(incident, intended.step_number()).mutable_before() = intended.before();
      break;
    }
    case v1::JournalEntry::kStepDone:
      set_phase(incident, entry.step_done().step_number(), StepRecord::PHASE_DONE, "");
      *record_of(incident, entry.step_done().step_number()).mutable_after() = entry.step_done().after();
      *incident.mutable_repair()->mutable_last_step_done() = entry.time();
      break;
    case v1::JournalEntry::kStepFailed:
      set_phase(incident, entry.step_failed().step_number(),
                wrote_nothing(entry.step_failed()) ? StepRecord::PHASE_CAPTURED : StepRecord::PHASE_INTENDED,
                entry.step_failed().error());
      break;
    case v1::JournalEntry::kStepUndone:
      set_phase(incident, entry.step_undone().step_number(), StepRecord::PHASE_UNDONE, entry.step_undone().detail());
      break;
    case v1::JournalEntry::kStepUndoBlocked:
      set_phase(incident, entry.step_undo_blocked().step_number(), StepRecord::PHASE_UNDO_BLOCKED,
                entry.step_undo_blocked().reason());
      break;
    case v1::JournalEntry::kVerified: *incident.mutable_repair()->mutable_verdict() = entry.verified().verdict(); break;
    case v1::JournalEntry::kRepairEnded:
      *incident.mutable_repair()->mutable_ended() = entry.time();
      if (entry.repair_ended().outcome() == v1::RepairEnded::OUTCOME_ROLLBACK_BLOCKED) {
        incident.set_rollback_blocked(entry.repair_ended().reason());
      }
      break;
    default: break;
  }
  return incident;
}

bool has_written(const v1::Repair& repair) {
  return std::any_of(repair.steps().begin(), repair.steps().end(), [](const v1::StepRecord& record) {
    return record.phase() == v1::StepRecord::PHASE_DONE || record.phase() == v1::StepRecord::PHASE_INTENDED;
  });
}

}  // namespace rdpmend
