// One question to a time server. RFC 4330, which Windows Time and domain controllers answer as well.
#pragma once

#include <cstdint>
#include <string>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend::win32 {

// This host's wall clock minus the server's. The name may take longer than the deadline to resolve.
Result<Duration> ask_sntp(const std::string& server, Duration deadline, std::uint16_t port = 123);

}  // namespace rdpmend::win32
