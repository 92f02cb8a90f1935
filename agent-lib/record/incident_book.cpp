#include "agent-lib/record/incident_book.hpp"

#include <algorithm>

namespace rdpmend {

using v1::StepRecord;

bool is_closed(v1::IncidentState state) {
  return state == v1::INCIDENT_STATE_REPAIRED || state == v1::INCIDENT_STATE_DISMISSED ||
         state == v1::INCIDENT_STATE_CLEARED;
}

bool has_written(const v1::Repair& repair) {
  return std::any_of(repair.steps().begin(), repair.steps().end(), [](const v1::StepRecord& record) {
    return record.phase() == v1::StepRecord::PHASE_DONE || record.phase() == v1::StepRecord::PHASE_INTENDED;
  });
}

std::string_view to_string(v1::IncidentState state) {
  switch (state) {
    case v1::INCIDENT_STATE_OPEN: return "open";
    case v1::INCIDENT_STATE_AWAITING_APPROVAL: return "awaiting approval";
    case v1::INCIDENT_STATE_REPAIRING: return "repairing";
    case v1::INCIDENT_STATE_REPAIRED: return "repaired";
    case v1::INCIDENT_STATE_ROLLED_BACK: return "rolled back";
    case v1::INCIDENT_STATE_ESCALATED: return "escalated";
    case v1::INCIDENT_STATE_DISMISSED: return "dismissed";
    case v1::INCIDENT_STATE_CLEARED: return "cleared";
    default: return "unknown";
  }
}

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

}  // namespace

void IncidentBook::apply(const v1::JournalEntry& entry) {
  switch (entry.body_case()) {
    case v1::JournalEntry::kCheckpoint: load(entry.checkpoint()); return;
    case v1::JournalEntry::kIncidentOpened: open_incident(entry); return;
    case v1::JournalEntry::kAdminAction: note_request(entry.admin_action().request_id()); break;
    case v1::JournalEntry::kRepairEnded: note_outcome(entry.repair_ended().outcome()); break;
    default: break;
  }
  const auto found = incidents_.find(entry.incident_id());
  if (found == incidents_.end()) return;

  auto changed = std::make_shared<v1::Incident>(*found->second);
  *changed->mutable_updated() = entry.time();
  changed->set_last_seq(entry.seq());
  apply_to(*changed, entry);
  found->second = std::move(changed);
  forget_old_closed();
}

void IncidentBook::apply_to(v1::Incident& incident, const v1::JournalEntry& entry) {
  switch (entry.body_case()) {
    case v1::JournalEntry::kSignalRaised: add_signal(incident, entry.signal_raised().signal()); break;
    case v1::JournalEntry::kIncidentUpdated:
      if (entry.incident_updated().has_diagnosis())
        *incident.mutable_diagnosis() = entry.incident_updated().diagnosis();
      if (entry.incident_updated().has_signal()) add_signal(incident, entry.incident_updated().signal());
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
    case v1::JournalEntry::kRepairStarted:
      begin_repair(incident, entry);
      note_repair(incident.diagnosis().fault_id(), from_proto(entry.time()));
      break;
    case v1::JournalEntry::kRungStarted: {
      auto& repair = *incident.mutable_repair();
      repair.set_rung(entry.rung_started().rung());
      *repair.mutable_rung_started() = entry.time();
      if (!entry.rung_started().approved_by().empty()) repair.set_approved_rung(entry.rung_started().rung());
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
      // A conflict is found before anything is written: there is nothing to undo.
      set_phase(incident, entry.step_failed().step_number(),
                entry.step_failed().conflict() ? StepRecord::PHASE_CAPTURED : StepRecord::PHASE_INTENDED,
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
}

void IncidentBook::open_incident(const v1::JournalEntry& entry) {
  auto incident = std::make_shared<v1::Incident>();
  incident->set_id(entry.seq());
  incident->set_state(v1::INCIDENT_STATE_OPEN);
  *incident->mutable_diagnosis() = entry.incident_opened().diagnosis();
  *incident->mutable_first_signal() = entry.incident_opened().signal();
  add_signal(*incident, entry.incident_opened().signal());
  *incident->mutable_opened() = entry.time();
  *incident->mutable_updated() = entry.time();
  *incident->mutable_state_since() = entry.time();
  incident->set_first_seq(entry.seq());
  incident->set_last_seq(entry.seq());
  incidents_[entry.seq()] = std::move(incident);
  forget_old_closed();
}

std::shared_ptr<const v1::Incident> IncidentBook::find(std::uint64_t id) const {
  const auto found = incidents_.find(id);
  return found == incidents_.end() ? nullptr : found->second;
}

std::shared_ptr<const v1::Incident> IncidentBook::find_open(const std::string& fault_id,
                                                            const std::string& subject) const {
  for (const auto& [id, incident] : incidents_) {
    const auto& diagnosis = incident->diagnosis();
    if (!is_closed(incident->state()) && diagnosis.fault_id() == fault_id && diagnosis.subject() == subject)
      return incident;
  }
  return nullptr;
}

std::shared_ptr<const v1::Incident> IncidentBook::find_dismissed(const std::string& fault_id,
                                                                 const std::string& subject) const {
  for (const auto& [id, incident] : incidents_) {
    const auto& diagnosis = incident->diagnosis();
    if (incident->state() == v1::INCIDENT_STATE_DISMISSED && diagnosis.fault_id() == fault_id &&
        diagnosis.subject() == subject) {
      return incident;
    }
  }
  return nullptr;
}

std::vector<std::shared_ptr<const v1::Incident>> IncidentBook::open() const {
  std::vector<std::shared_ptr<const v1::Incident>> result;
  for (const auto& [id, incident] : incidents_) {
    if (!is_closed(incident->state())) result.push_back(incident);
  }
  return result;
}

std::uint32_t IncidentBook::repairs_since(const std::string& fault_id, WallTime since) const {
  return static_cast<std::uint32_t>(std::count_if(repairs_.begin(), repairs_.end(), [&](const RepairStart& repair) {
    return repair.fault_id == fault_id && repair.at >= since;
  }));
}

std::optional<WallTime> IncidentBook::last_repair(const std::string& fault_id) const {
  const auto found = std::find_if(repairs_.rbegin(), repairs_.rend(),
                                  [&](const RepairStart& repair) { return repair.fault_id == fault_id; });
  if (found == repairs_.rend()) return std::nullopt;
  return found->at;
}

bool IncidentBook::knows_request(const std::string& request_id) const {
  return std::find(requests_.begin(), requests_.end(), request_id) != requests_.end();
}

void IncidentBook::note_repair(const std::string& fault_id, WallTime at) {
  repairs_.push_back({fault_id, at});
  if (repairs_.size() > k_max_repairs) repairs_.pop_front();
}

void IncidentBook::note_outcome(v1::RepairEnded::Outcome outcome) {
  failures_in_a_row_ = outcome == v1::RepairEnded::OUTCOME_REPAIRED ? 0 : failures_in_a_row_ + 1;
}

void IncidentBook::note_request(const std::string& request_id) {
  requests_.push_back(request_id);
  if (requests_.size() > k_max_requests) requests_.pop_front();
}

void IncidentBook::forget_old_closed() {
  auto closed = static_cast<std::size_t>(std::count_if(
      incidents_.begin(), incidents_.end(), [](const auto& item) { return is_closed(item.second->state()); }));
  for (auto it = incidents_.begin(); closed > k_max_closed && it != incidents_.end();) {
    if (is_closed(it->second->state())) {
      it = incidents_.erase(it);
      --closed;
    } else {
      ++it;
    }
  }
}

v1::Checkpoint IncidentBook::checkpoint() const {
  v1::Checkpoint checkpoint;
  for (const auto& [id, incident] : incidents_) *checkpoint.add_incidents() = *incident;
  for (const auto& repair : repairs_) {
    *checkpoint.add_repair_starts() = to_proto(repair.at);
    checkpoint.add_repair_faults(repair.fault_id);
  }
  checkpoint.set_failures_in_a_row(failures_in_a_row_);
  for (const auto& request : requests_) checkpoint.add_request_ids(request);
  return checkpoint;
}

void IncidentBook::load(const v1::Checkpoint& checkpoint) {
  incidents_.clear();
  repairs_.clear();
  requests_.clear();
  for (const auto& incident : checkpoint.incidents())
    incidents_[incident.id()] = std::make_shared<v1::Incident>(incident);
  const int repairs = std::min(checkpoint.repair_starts_size(), checkpoint.repair_faults_size());
  for (int i = 0; i < repairs; ++i) note_repair(checkpoint.repair_faults(i), from_proto(checkpoint.repair_starts(i)));
  for (const auto& request : checkpoint.request_ids()) note_request(request);
  failures_in_a_row_ = checkpoint.failures_in_a_row();
}

}  // namespace rdpmend
