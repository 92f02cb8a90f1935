// Sessions on the host, so that a repair knows whom it would disturb.
#pragma once

#include <cstdint>
#include <vector>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

struct Session {
  std::uint32_t id = 0;
  bool remote = false;  // An RDP session, or one whose kind is not known; else the console.
  bool active = false;  // Connected; else disconnected but alive.
};

class Sessions {
 public:
  virtual ~Sessions() = default;
  // Without the listener's row and session 0. timeout: TermService does not answer (WTS calls can hang with it).
  virtual Result<std::vector<Session>> list() const = 0;
};

}  // namespace rdpmend
