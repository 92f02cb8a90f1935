// What the listener shows to clients, and whether it can: the registered certificate, and its key if NETWORK SERVICE
// may read it.
#pragma once

#include <variant>

#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend::lab {

enum class NoCredential { no_certificate, key_unusable };

std::variant<sim::SimHost::Credential, NoCredential> load_credential();

}  // namespace rdpmend::lab
