// What the listener shows to clients, and whether it can: the registered certificate, and its key if NETWORK SERVICE
// may read it.
#pragma once

#include <variant>

#include "agent-lib/sim/decisions.hpp"
#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend::lab {

// Else, why there is none.
std::variant<sim::SimHost::Credential, sim::CredentialState> load_credential();

}  // namespace rdpmend::lab
