#include "agent-lib/record/incident_book.hpp"

#include <algorithm>

#include "agent-lib/record/fold.hpp"
#include "agent-lib/record/words.hpp"

namespace rdpmend {

void IncidentBook::apply(const v1::JournalEntry& entry) {
  switch (entry.body_case()) {
    case v1::JournalEntry::kCheckpoint: load(entry.checkpoint()); return;
    case v1::JournalEntry::kIncidentOpened:
      incidents_[entry.incident_id()] = std::make_shared<v1::Incident>(folded({}, entry));
      return forget_old_closed();
    case v1::JournalEntry::kAdminAction: note_request(entry.admin_action().request_id()); break;
    case v1::JournalEntry::kBaselineTaken: baseline_ = entry.baseline_taken().baseline(); return;
    case v1::JournalEntry::kRepairEnded: note_outcome(entry.repair_ended().outcome()); break;
    default: break;
  }
  const auto found = incidents_.find(entry.incident_id());
  if (found == incidents_.end()) return;

  if (entry.has_repair_started()) note_repair(found->second->diagnosis().fault_id(), from_proto(entry.time()));
  found->second = std::make_shared<v1::Incident>(folded(*found->second, entry));
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
    auto& started = *checkpoint.add_repairs();
    started.set_fault_id(repair.fault_id);
    *started.mutable_time() = to_proto(repair.at);
  }
  checkpoint.set_failures_in_a_row(failures_in_a_row_);
  for (const auto& request : requests_) checkpoint.add_request_ids(request);
  if (baseline_.has_seen()) *checkpoint.mutable_baseline() = baseline_;
  return checkpoint;
}

void IncidentBook::load(const v1::Checkpoint& checkpoint) {
  incidents_.clear();
  repairs_.clear();
  requests_.clear();
  for (const auto& incident : checkpoint.incidents())
    incidents_[incident.id()] = std::make_shared<v1::Incident>(incident);
  for (const auto& repair : checkpoint.repairs()) note_repair(repair.fault_id(), from_proto(repair.time()));
  for (const auto& request : checkpoint.request_ids()) note_request(request);
  failures_in_a_row_ = checkpoint.failures_in_a_row();
  baseline_ = checkpoint.baseline();
}

}  // namespace rdpmend
