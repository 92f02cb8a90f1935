// Sends a command about an incident and follows what comes of it until nothing more happens by itself.
#pragma once

#include <functional>
#include <string>

#include "cli/context.hpp"

namespace rdpmend::cli {

struct AwaitedCommand {
  std::uint64_t incident_id = 0;
  std::string request_id;
  v1::RepairEnded::Outcome wanted = v1::RepairEnded::OUTCOME_REPAIRED;
  std::function<Result<v1::ActionResponse>()> send;
};

// Shows each journal entry from the command on. ok only if the repair ends with the wanted outcome; failed if it ends
// with another, waits for an approval, or takes longer than half an hour.
Result<ExitCode> act_and_wait(Context& context, Client& client, const AwaitedCommand& command);

}  // namespace rdpmend::cli
