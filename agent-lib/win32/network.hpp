// What the IP Helper API knows: who listens on a TCP port, and the address under which others reach this host.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/host/firewall.hpp"
#include "agent-lib/support/result.hpp"

namespace rdpmend::win32 {

struct TcpListener {
  std::uint32_t pid = 0;                // 0: Windows does not say who it is.
  std::optional<std::string> bound_to;  // Absent: it listens on all addresses.
};

// Who listens on the port, in either IP version: a dual-stack socket may show in one of them only. One on all addresses
// rather than one on some. nullopt: nobody does.
Result<std::optional<TcpListener>> find_listener(std::uint16_t port);

// Interfaces that are up and have an address others may use, with their profiles by adapter GUID, and by which of them
// the listener's clients come in: those of its connections; else that of the address it is bound to; else that of the
// default route.
Result<std::vector<FirewallInterface>> client_interfaces(const std::map<std::string, std::uint32_t>& profiles);

// Of an interface that is up and not loopback: with a gateway rather than without, IPv4 rather than IPv6, none that it
// gave itself. nullopt: there is none.
std::optional<std::string> interface_address();

}  // namespace rdpmend::win32
