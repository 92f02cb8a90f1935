// Runs detect over the catalogue in its order: what masks a fault comes first, and when it is present, the masked one
// is not looked at. Read-only; runs on the worker.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent-lib/engine/fault.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

using v1::Finding;

// Why a host is looked at: what was signalled of a fault, by its id, or of all of them.
class Reasons {
 public:
  Reasons() = default;
  Reasons(const v1::Signal& signal) { add(signal); }  // NOLINT(google-explicit-constructor): one signal is a reason.

  // Of several about one fault the first counts: the look answers all of them.
  void add(const v1::Signal& signal);
  // nothing() before the first.
  bool nothing() const { return by_fault_.empty() && !all_; }
  // The faults that are to be looked at; empty: all.
  std::set<std::string> faults() const;
  // The fault's own signal, or the one about all faults. A fault that is looked at only because it may mask another one
  // gets a signal of a change that says nothing else.
  v1::Signal of(const std::string& fault_id) const;

 private:
  std::map<std::string, v1::Signal> by_fault_;
  std::optional<v1::Signal> all_;
};

class Detection {
 public:
  Detection(const Catalogue& catalogue, const std::vector<std::unique_ptr<Fault>>& faults);

  // For the faults of the reasons and those that mask them: a finding for each subject that a fault is present on, else
  // one. A fault that cannot be looked at, whatever it throws, is unknown, and the others are looked at all the same.
  std::vector<Finding> run(const HostView& host, const Reasons& reasons) const;

  const Fault* find(const std::string& fault_id) const;

 private:
  std::set<std::string> with_masks(const std::set<std::string>& fault_ids) const;
  std::vector<Finding> look(const HostView& host, const v1::FaultInfo& info, const v1::Signal& signal) const;
  Result<std::vector<v1::Diagnosis>> detect(const Fault& fault, const HostView& host, const v1::Signal& signal) const;

  const Catalogue& catalogue_;
  const std::vector<std::unique_ptr<Fault>>& faults_;
};

// What is kept of a diagnosis, however much a host gives to find.
inline constexpr int k_max_evidence = 50;
inline constexpr std::size_t k_max_evidence_bytes = 1000;  // Of each text.
void bound_evidence(v1::Diagnosis& diagnosis);

}  // namespace rdpmend
