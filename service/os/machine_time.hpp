// Of the computer that the service runs on, which a rehearsed host is not.
#pragma once

#include <chrono>

#include "agent-lib/support/time.hpp"

namespace rdpmend {

// The clock of this machine, for its own keys and whom it trusts: a rehearsed host's may be wrong.
inline WallTime machine_time() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace rdpmend
