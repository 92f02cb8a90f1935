// Runs detect over the catalogue in its order: what masks a fault comes first, and when it is present, the masked one
// is not looked at. Read-only; runs on the worker.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent-lib/engine/fault.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

using Finding = v1::DiagnoseResponse::Finding;

class Detection {
 public:
  Detection(const Catalogue& catalogue, const std::vector<std::unique_ptr<Fault>>& faults);

  // For the named faults and those that mask them; empty: for all.
  std::vector<Finding> run(const HostView& host, const std::set<std::string>& fault_ids,
                           const v1::Signal& signal) const;

  const Fault* find(const std::string& fault_id) const;

 private:
  std::set<std::string> with_masks(const std::set<std::string>& fault_ids) const;
  Finding look(const HostView& host, const v1::FaultInfo& info, const v1::Signal& signal) const;

  const Catalogue& catalogue_;
  const std::vector<std::unique_ptr<Fault>>& faults_;
};

// What is kept of a diagnosis, however much a host gives to find.
inline constexpr int k_max_evidence = 50;
inline constexpr std::size_t k_max_evidence_bytes = 1000;  // Of each text.
void bound_evidence(v1::Diagnosis& diagnosis);

}  // namespace rdpmend
