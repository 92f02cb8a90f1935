// What the host's own firewall does to clients of the listener: by which interfaces they come in, and for each of them
// what is enabled for its profile and what keeps them out. Effective policy, not a probe: what the host sends to itself
// passes no rule (measured.md F8).
#pragma once

#include <string>
#include <vector>

#include "agent-lib/host/host.hpp"
#include "rdpmend/v1/knowledge.pb.h"

namespace rdpmend::faults::firewall {

struct FirewallPicture {
  std::uint16_t port = 3389;  // The listener's.
  bool udp = true;            // Policy does not ask for TCP only.
  FirewallStatus status;
  std::vector<FirewallRule> rules;  // Of all groups.
  Result<std::vector<SecurityRuleText>> security_rules;
  // The rules that Windows of this build ships for the listener: no client gets in without the first, and none by UDP
  // without the second.
  const v1::StockFirewallRule* tcp_rule;
  const v1::StockFirewallRule* udp_rule;
};
// Without rules where the firewall's services do not run.
Result<FirewallPicture> read_firewall_picture(const HostView& host);

// What keeps clients out and is not ours to change.
struct Obstacle {
  std::string what, found, expected, source, advice;
};

// An interface by which clients come in. Where none is known, each active profile is one.
struct WayIn {
  std::string name;           // "interface Ethernet (domain)", for people.
  std::uint32_t profile = 0;  // One bit.
  std::vector<Obstacle> obstacles;
  std::vector<const v1::StockFirewallRule*> disabled;  // Stock rules that would let clients in here, were they enabled.

  bool open() const { return obstacles.empty() && disabled.empty(); }
  // Enabling is all that it takes.
  bool repairable() const { return obstacles.empty() && !disabled.empty(); }
};
// unavailable: a connection security rule may keep everybody out and cannot be judged, and nothing else is known to.
Result<std::vector<WayIn>> judge_ways_in(const FirewallPicture& picture);

// The stock rules whose enabling opens a way in, each once.
std::vector<const v1::StockFirewallRule*> rules_to_enable(const FirewallPicture& picture,
                                                          const std::vector<WayIn>& ways);

const FirewallRule* find_local(const FirewallPicture& picture, std::string_view id);

}  // namespace rdpmend::faults::firewall
