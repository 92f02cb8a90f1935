// What the IP Helper API knows: who listens on a TCP port, and the address under which others reach this host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent-lib/support/result.hpp"

namespace rdpmend::win32 {

// The process that listens on the port, in either IP version: a dual-stack socket may show in one of them only.
// 0: somebody listens, and Windows does not say who. nullopt: nobody does.
Result<std::optional<std::uint32_t>> find_listener(std::uint16_t port);

// Of an interface that is up and not loopback: with a gateway rather than without, IPv4 rather than IPv6, none that it
// gave itself. nullopt: there is none.
std::optional<std::string> interface_address();

}  // namespace rdpmend::win32
