// What a connection security rule (IPsec) does to a client that knows nothing of it: one that requires security drops
// its first packet without a trace (measured.md P1-P5). Grammar: MS-GPFAS 2.2.6.2,
// https://learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/
#pragma once

#include <cstdint>
#include <string_view>

#include "agent-lib/host/firewall.hpp"

namespace rdpmend {

enum class SecurityEffect {
  none,       // Off, for other traffic or profiles, or it asks for security without insisting on it.
  may_block,  // It insists, but something narrows it.
  blocks,     // It insists, of everybody.
  unknown,    // Its text cannot be judged.
};

// For TCP connections to the port that come in by an interface with this profile (one bit).
SecurityEffect security_effect(std::string_view text, std::uint16_t port, std::uint32_t profile);
// The same, and whether the rule counts for that profile at all.
SecurityEffect security_effect(const SecurityRuleText& rule, const FirewallStatus& status, std::uint16_t port,
                               std::uint32_t profile);

}  // namespace rdpmend
