// Another chance for SessionEnv to make or renew the listener's certificate, and the proof that it has.
#pragma once

#include <string>

#include "agent-lib/engine/look.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"

namespace rdpmend::faults::certificate {

// First SessionEnv's restart alone, with a copy of the key kept; then, as a rung of its own, the removal of the
// registered certificate, if it is still `thumbprint` and may be taken away. Refused under a wrong clock. Throws as
// need() does.
void add_renewal(const Look& look, const std::string& thumbprint, PlanDraft& plan);

// Another certificate than `thumbprint` is registered, nothing is wrong with it, and the listener serves it. Throws as
// need() does.
v1::Verdict prove_renewed(const Look& look, const std::string& thumbprint, WallTime since);

}  // namespace rdpmend::faults::certificate
