// The proof that the listener serves the registered certificate, and the last rung of every certificate fault.
#pragma once

#include <string_view>

#include "agent-lib/engine/look.hpp"
#include "agent-lib/faults/certificate/listener_certificate.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"

namespace rdpmend::faults::certificate {

inline constexpr std::string_view k_term_service_rung = "restart TermService";

// The rung that restarts TermService. Nothing is restarted into a replaced termsrv.dll, which is what RDP wrappers and
// hijackers change: then the plan is advice only. Throws as need() does.
void add_term_service_rung(const Look& look, PlanDraft& plan);

// A handshake over the host's own address, or over loopback if that is not reached: does the listener serve exactly the
// registered certificate? Asks again for a while; then the restart of TermService may help. Throws as need() does.
v1::Verdict prove_served(const Look& look, const ListenerCertificate& listener, WallTime since);

}  // namespace rdpmend::faults::certificate
