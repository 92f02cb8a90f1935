// Sends a command about an incident and follows what comes of it until nothing more happens by itself.
#pragma once

#include "cli/session/context.hpp"

namespace rdpmend::cli {

// Shows each journal entry from the command on. ok only if the repair ends with the wanted outcome; failed if it ends
// with another, waits for an approval, or takes longer than half an hour.
Result<ExitCode> act_and_await(Context& context, Client& client, const v1::ActRequest& request,
                               v1::RepairEnded::Outcome wanted);

}  // namespace rdpmend::cli
