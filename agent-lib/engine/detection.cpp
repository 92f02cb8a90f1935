#include "agent-lib/engine/detection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>

#include "agent-lib/support/log.hpp"
#include "agent-lib/support/printable.hpp"

namespace rdpmend {

void Reasons::add(const v1::Signal& signal) {
  if (signal.fault_ids().empty() && !all_) all_ = signal;
  for (const auto& id : signal.fault_ids()) by_fault_.emplace(id, signal);
}

std::set<std::string> Reasons::faults() const {
  std::set<std::string> ids;
  if (all_) return ids;
  for (const auto& [id, signal] : by_fault_) ids.insert(id);
  return ids;
}

v1::Signal Reasons::of(const std::string& fault_id) const {
  if (const auto own = by_fault_.find(fault_id); own != by_fault_.end()) return own->second;
  if (all_) return *all_;
  v1::Signal signal;
  signal.set_kind(v1::Signal::KIND_CHANGE);
  return signal;
}

Detection::Detection(const Catalogue& catalogue, const std::vector<std::unique_ptr<Fault>>& faults)
    : catalogue_(catalogue), faults_(faults) {}

const Fault* Detection::find(const std::string& fault_id) const {
  const auto found =
      std::find_if(faults_.begin(), faults_.end(), [&](const auto& fault) { return fault->id() == fault_id; });
  return found == faults_.end() ? nullptr : found->get();
}

std::set<std::string> Detection::with_masks(const std::set<std::string>& fault_ids) const {
  std::set<std::string> result;
  std::vector<std::string> todo(fault_ids.begin(), fault_ids.end());
  while (!todo.empty()) {
    const auto id = todo.back();
    todo.pop_back();
    const auto* info = catalogue_.find_fault(id);
    if (info == nullptr || !result.insert(id).second) continue;
    todo.insert(todo.end(), info->masked_by().begin(), info->masked_by().end());
  }
  return result;
}

std::vector<Finding> Detection::run(const HostView& host, const Reasons& reasons) const {
  const auto fault_ids = reasons.faults();
  const auto wanted = with_masks(fault_ids);
  std::vector<Finding> findings;
  std::set<std::string> present;
  for (const auto& info : catalogue_.faults()) {
    if (!fault_ids.empty() && !wanted.contains(info.id())) continue;
    const auto mask = std::find_if(info.masked_by().begin(), info.masked_by().end(),
                                   [&](const auto& id) { return present.contains(id); });
    if (mask != info.masked_by().end()) {
      Finding& masked = findings.emplace_back();
      masked.set_fault_id(info.id());
      masked.set_outcome(Finding::OUTCOME_MASKED);
      masked.set_detail(fmt::format("not looked at while {} is present", *mask));
      continue;
    }
    auto seen = look(host, info, reasons.of(info.id()));
    if (seen.front().outcome() == Finding::OUTCOME_PRESENT) present.insert(info.id());
    std::move(seen.begin(), seen.end(), std::back_inserter(findings));
  }
  return findings;
}

Result<std::vector<v1::Diagnosis>> Detection::detect(const Fault& fault, const HostView& host,
                                                     const v1::Signal& signal) const {
  try {
    return fault.detect(host, signal);
  } catch (const std::exception& error) {
    log::error("{} cannot be looked at: {}", fault.id(), error.what());
    return fail(ErrorCode::internal, error.what(), "This is a defect of rdpmend: report it.");
  }
}

std::vector<Finding> Detection::look(const HostView& host, const v1::FaultInfo& info, const v1::Signal& signal) const {
  const auto finding = [&](Finding::Outcome outcome, std::string detail = {}) {
    Finding made;
    made.set_fault_id(info.id());
    made.set_outcome(outcome);
    made.set_detail(std::move(detail));
    return made;
  };
  const auto* fault = find(info.id());
  if (fault == nullptr) return {finding(Finding::OUTCOME_UNKNOWN, "this build has no detection for it")};
  auto diagnoses = detect(*fault, host, signal);
  if (!diagnoses) return {finding(Finding::OUTCOME_UNKNOWN, to_string(diagnoses.error()))};
  if (diagnoses->empty()) return {finding(Finding::OUTCOME_ABSENT)};
  std::vector<Finding> findings;
  for (auto& diagnosis : *diagnoses) {
    bound_evidence(diagnosis);
    diagnosis.set_fault_id(info.id());
    *diagnosis.mutable_found_at() = to_proto(host.clock.now());
    *findings.emplace_back(finding(Finding::OUTCOME_PRESENT)).mutable_diagnosis() = std::move(diagnosis);
  }
  return findings;
}

void bound_evidence(v1::Diagnosis& diagnosis) {
  auto& evidence = *diagnosis.mutable_evidence();
  const int more = std::max(evidence.size() - k_max_evidence, 0);
  evidence.DeleteSubrange(evidence.size() - more, more);
  for (auto& one : evidence) {
    for (auto* text : {one.mutable_what(), one.mutable_found(), one.mutable_expected(), one.mutable_source()})
      *text = clipped(*text, k_max_evidence_bytes);
  }
  if (more == 0) return;
  auto& last = *evidence.Add();
  last.set_what("further evidence");
  last.set_found(fmt::format("{} more", more));
}

}  // namespace rdpmend
