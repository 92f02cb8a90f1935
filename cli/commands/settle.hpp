// Carries out a command about an incident and follows what comes of it until nothing more happens by itself.
#pragma once

#include <functional>

#include "cli/context.hpp"

namespace rdpmend::cli {

// Shows each journal entry from the command on. ok only if the incident ends repaired; failed if it ends otherwise,
// waits for an approval, or takes longer than half an hour.
Result<ExitCode> act_and_wait(Context& context, Client& client, std::uint64_t incident_id,
                              const std::function<Result<v1::ActionResponse>()>& command);

}  // namespace rdpmend::cli
