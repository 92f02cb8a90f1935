// A check: a named question about the host that is answered whether or not something is wrong, one for each stage of a
// connection. What is wrong in detail is a fault's to say; a check says that a stage was looked at, and what was seen.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/engine/look.hpp"
#include "agent-lib/support/guarded.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::checks {

// What the service knows of itself, and what others have told it, at the time of a look.
struct OwnState {
  std::vector<v1::ChannelStatus> channels;   // Of the event logs that are read. Empty: nobody reads any.
  std::vector<std::string> degraded;         // What does not work as configured.
  bool breaker_open = false;                 // No repair starts by itself.
  std::optional<WallTime> last_sweep;        // Before this look.
  std::optional<v1::OutsideProbe> outside;   // The newest probe that a client told of.
  std::map<v1::FaultMode, int> mode_counts;  // How many faults are in which mode.
};

// A question, and the read-only function that answers it.
struct Check {
  v1::Stage stage;
  std::string_view name;  // As v1::Check has it; so are the others.
  std::string_view asks;
  bool fatal;
  // Answer, summary and evidence; the rest is filled in. What need() throws makes the answer unknown.
  v1::Check (*look)(const Look& look, const OwnState& own);
};

// All of them, in the order of a connection: agent-lib/checks/all_checks.cpp.
std::span<const Check> all();

}  // namespace rdpmend::checks
