// Runs detect over the catalogue in its order: what masks a fault comes first, and when it is present, the masked one
// is not looked at. Read-only; runs on the worker.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent-lib/engine/fault.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/steps/step_kind.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

using v1::Finding;

// Why a host is looked at: what was signalled of faults, by their ids, or of all of them.
class Reasons {
 public:
  static constexpr std::size_t k_most_of_a_fault = 8;  // The newest signals.

  Reasons() = default;
  Reasons(const v1::Signal& signal) { add(signal); }  // NOLINT(google-explicit-constructor): one signal is a reason.

  void add(const v1::Signal& signal);
  // nothing() before the first.
  bool nothing() const { return by_fault_.empty() && !all_; }
  // The faults that are to be looked at; empty: all.
  std::set<std::string> faults() const;
  // The fault's own signals, the newest last, before them the one about all faults.
  std::vector<v1::Signal> of(const std::string& fault_id) const;
  // The newest of them. A fault that is looked at only because it may mask another one gets a signal of a change that
  // says nothing else.
  v1::Signal newest(const std::string& fault_id) const;

 private:
  std::map<std::string, std::deque<v1::Signal>> by_fault_;
  std::optional<v1::Signal> all_;
};

// The functions here take a host that may be a SeenOnce's: then all of a pass see the same picture.
class Detection {
 public:
  // `known` is asked once a pass, on whichever thread looks.
  Detection(const Catalogue& catalogue, const std::vector<std::unique_ptr<Fault>>& faults,
            std::function<Known()> known);

  // For the faults of the reasons and those that mask them: a finding for each subject that a fault is present on, else
  // one. A fault that cannot be looked at, whatever it throws, is unknown, and the others are looked at all the same.
  std::vector<Finding> run(const HostView& host, const Reasons& reasons) const;

  // unsupported: this version cannot repair it. What is reported only has a plan without rungs.
  Result<MadePlan> plan(const HostView& host, const v1::Diagnosis& diagnosis, std::string plan_id) const;
  // Not repaired, where this version cannot prove it.
  Result<v1::Verdict> verify(const HostView& host, const v1::Diagnosis& diagnosis, WallTime since) const;
  // Whether this version could repair the fault: then there are settings of the host that tell it present from absent.
  bool is_repairable(const std::string& fault_id) const { return repairable(fault_id).has_value(); }
  // How long the host may take to show the effect of a rung.
  Duration verification_window(const std::string& fault_id) const;
  static constexpr Duration k_verification_window = std::chrono::seconds{90};  // Unless the catalogue says otherwise.

 private:
  Look look_of(const HostView& host, std::vector<v1::Signal> signals) const;
  const Fault* find(const std::string& fault_id) const;
  Result<const RepairableFault*> repairable(const std::string& fault_id) const;
  std::set<std::string> with_masks(const std::set<std::string>& fault_ids) const;
  std::vector<Finding> look(const Look& look, const v1::FaultInfo& info) const;

  const Catalogue& catalogue_;
  const std::vector<std::unique_ptr<Fault>>& faults_;
  const std::function<Known()> known_;
};

// Whether clients are meant to get in: Group Policy goes before the local setting (TerminalServer.admx). Where neither
// is set Remote Desktop was never allowed. For guarded().
bool remote_desktop_allowed(const Registry& registry);

// Whether people would say that the same was found: the moment, ages and handshakes do not count.
bool same_diagnosis(const v1::Diagnosis& a, const v1::Diagnosis& b);

// What is kept of a diagnosis or a check, however much a host gives to find.
inline constexpr int k_max_evidence = 50;
inline constexpr std::size_t k_max_evidence_bytes = 1000;  // Of each text.
void bound_evidence(google::protobuf::RepeatedPtrField<v1::Evidence>& evidence);

}  // namespace rdpmend
