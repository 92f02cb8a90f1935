#include "agent-lib/engine/detection.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <iterator>

#include "agent-lib/support/printable.hpp"

namespace rdpmend {

namespace {

// Group Policy goes before the local setting (TerminalServer.admx). Where neither is set Remote Desktop was never
// allowed.
bool remote_desktop_allowed(const Registry& registry) {
  for (const auto key : {registry_key::k_policy, registry_key::k_terminal_server}) {
    if (const auto deny = need(read_dword(registry, key, "fDenyTSConnections"))) return *deny == 0;
  }
  return false;
}

bool holds(v1::Precondition precondition, const HostView& host) {
  return precondition != v1::PRECONDITION_REMOTE_DESKTOP_ALLOWED || remote_desktop_allowed(host.registry);
}

v1::Diagnosis what_counts(v1::Diagnosis diagnosis) {
  diagnosis.clear_found_at();
  diagnosis.clear_summary();
  auto& evidence = *diagnosis.mutable_evidence();
  evidence.erase(
      std::remove_if(evidence.begin(), evidence.end(), [](const v1::Evidence& one) { return one.passing(); }),
      evidence.end());
  return diagnosis;
}

}  // namespace

bool same_diagnosis(const v1::Diagnosis& a, const v1::Diagnosis& b) {
  return google::protobuf::util::MessageDifferencer::Equals(what_counts(a), what_counts(b));
}

void Reasons::add(const v1::Signal& signal) {
  if (signal.fault_ids().empty() && !all_) all_ = signal;
  for (const auto& id : signal.fault_ids()) {
    auto& signals = by_fault_[id];
    signals.push_back(signal);
    if (signals.size() > k_most_of_a_fault) signals.pop_front();
  }
}

std::set<std::string> Reasons::faults() const {
  std::set<std::string> ids;
  if (all_) return ids;
  for (const auto& [id, signal] : by_fault_) ids.insert(id);
  return ids;
}

std::vector<v1::Signal> Reasons::of(const std::string& fault_id) const {
  std::vector<v1::Signal> signals;
  if (all_) signals.push_back(*all_);
  if (const auto own = by_fault_.find(fault_id); own != by_fault_.end())
    signals.insert(signals.end(), own->second.begin(), own->second.end());
  return signals;
}

v1::Signal Reasons::newest(const std::string& fault_id) const {
  if (auto signals = of(fault_id); !signals.empty()) return std::move(signals.back());
  v1::Signal signal;
  signal.set_kind(v1::Signal::KIND_CHANGE);
  return signal;
}

Detection::Detection(const Catalogue& catalogue, const std::vector<std::unique_ptr<Fault>>& faults,
                     std::function<Known()> known)
    : catalogue_(catalogue), faults_(faults), known_(std::move(known)) {}

Look Detection::look_of(const HostView& host, std::vector<v1::Signal> signals) const {
  auto known = known_();
  return {host, std::move(signals), std::move(known.loans), std::move(known.outside_probe)};
}

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
    auto seen = look(host, info, reasons);
    if (seen.front().outcome() == Finding::OUTCOME_PRESENT) present.insert(info.id());
    std::move(seen.begin(), seen.end(), std::back_inserter(findings));
  }
  return findings;
}

std::vector<Finding> Detection::look(const HostView& host, const v1::FaultInfo& info, const Reasons& reasons) const {
  const auto finding = [&](Finding::Outcome outcome, std::string detail = {}) {
    Finding made;
    made.set_fault_id(info.id());
    made.set_outcome(outcome);
    made.set_detail(std::move(detail));
    return made;
  };
  const auto* fault = find(info.id());
  if (fault == nullptr) return {finding(Finding::OUTCOME_UNKNOWN, "this build has no detection for it")};
  auto diagnoses = guarded([&] {
    return holds(info.precondition(), host) ? fault->detect(look_of(host, reasons.of(info.id())))
                                            : std::vector<v1::Diagnosis>{};
  });
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

Result<const RepairableFault*> Detection::repairable(const std::string& fault_id) const {
  if (const auto* fault = dynamic_cast<const RepairableFault*>(find(fault_id))) return fault;
  return fail(ErrorCode::unsupported, "this version cannot repair " + fault_id);
}

Result<MadePlan> Detection::plan(const HostView& host, const v1::Diagnosis& diagnosis, std::string plan_id) const {
  v1::Plan draft;
  if (diagnosis.repairable()) {
    const auto fault = repairable(diagnosis.fault_id());
    if (!fault) return fail(fault.error());
    auto planned = guarded([&] { return (*fault)->plan(look_of(host, {}), diagnosis); });
    if (!planned) return fail(std::move(planned).error().context("cannot plan"));
    draft = std::move(*planned);
  } else {
    draft.set_summary("None: this one is reported only");
    draft.set_advice(diagnosis.advice());
  }
  return make_plan(host, std::move(draft), diagnosis, std::move(plan_id));
}

Duration Detection::verification_window(const std::string& fault_id) const {
  const auto* info = catalogue_.find_fault(fault_id);
  return info != nullptr && info->has_verification_window() ? from_proto(info->verification_window())
                                                            : k_verification_window;
}

Result<v1::Verdict> Detection::verify(const HostView& host, const v1::Diagnosis& diagnosis, WallTime since) const {
  const auto fault = repairable(diagnosis.fault_id());
  if (!fault) {
    v1::Verdict verdict;
    verdict.set_result(v1::Verdict::RESULT_NOT_REPAIRED);
    verdict.set_summary("this version cannot prove a repair of " + diagnosis.fault_id());
    return verdict;
  }
  return guarded([&] { return (*fault)->verify(look_of(host, {}), diagnosis, since); });
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
