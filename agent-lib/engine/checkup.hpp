// All checks of one look, joined with the faults that the same look has found: a fault that is present makes the check
// of its stage faulty. Read-only; runs on the worker.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "agent-lib/engine/check.hpp"
#include "agent-lib/engine/detection.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

class Checkup {
 public:
  // `own`: from the worker, at each look.
  Checkup(const Catalogue& catalogue, std::span<const checks::Check> checks, std::function<checks::OwnState()> own);

  // `findings`: of all faults, by the same look. A check that cannot be made, whatever it throws, is unknown, and the
  // others are made all the same. Without the number of open incidents.
  v1::GetHealthResponse run(const HostView& host, const std::vector<Finding>& findings) const;

 private:
  v1::Check answer(const checks::Check& asked, const Look& look, const checks::OwnState& own,
                   const std::vector<Finding>& findings) const;

  const Catalogue& catalogue_;
  const std::span<const checks::Check> checks_;
  const std::function<checks::OwnState()> own_;
};

}  // namespace rdpmend
