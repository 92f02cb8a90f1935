#include "agent-lib/rules/fault_order.hpp"

#include <algorithm>
#include <iterator>

namespace rdpmend {

namespace {

// True if none of those still waiting masks it.
bool is_free(const v1::FaultInfo& fault, const std::vector<v1::FaultInfo>& waiting) {
  return std::none_of(waiting.begin(), waiting.end(), [&](const v1::FaultInfo& other) {
    const auto& masks = fault.masked_by();
    return std::find(masks.begin(), masks.end(), other.id()) != masks.end();
  });
}

}  // namespace

std::vector<v1::FaultInfo> masks_first(std::vector<v1::FaultInfo> faults) {
  std::vector<v1::FaultInfo> ordered;
  while (!faults.empty()) {
    const auto next =
        std::find_if(faults.begin(), faults.end(), [&](const v1::FaultInfo& fault) { return is_free(fault, faults); });
    if (next == faults.end()) {
      std::move(faults.begin(), faults.end(), std::back_inserter(ordered));
      return ordered;
    }
    ordered.push_back(std::move(*next));
    faults.erase(next);
  }
  return ordered;
}

}  // namespace rdpmend
