// Windows Defender Firewall: whether a client's connection gets in. A block rule beats every allow rule.
// https://learn.microsoft.com/windows/security/operating-system-security/network-security/windows-firewall/rules
#include <algorithm>

#include "agent-lib/host/connection_security.hpp"
#include "agent-lib/sim/consequences.hpp"

namespace rdpmend::sim {

namespace {

bool covers_port(const std::string& ports, std::uint16_t port) {
  if (ports == "*" || ports.empty()) return true;
  const auto wanted = std::to_string(port);
  for (std::size_t at = 0; at <= ports.size();) {
    const auto end = std::min(ports.find(',', at), ports.size());
    if (ports.compare(at, end - at, wanted) == 0) return true;
    at = end + 1;
  }
  return false;
}

// Whether the rule speaks of a client from anywhere that connects to TermService on this port, by an interface with
// this profile.
bool applies(const FirewallRule& rule, const FirewallStatus& status, std::uint16_t port, std::uint32_t profile) {
  const bool about_term_service =
      lower(rule.service) == "termservice" || (rule.service.empty() && rule.application.empty());
  return rule.enabled && rule.inbound && rule.protocol == 6 && (rule.profiles & profile) != 0 && about_term_service &&
         covers_port(rule.local_ports, port) && rule.remote_addresses == "*" && !rule.narrowed &&
         (rule.by_policy || (status.local_rules_ignored & profile) == 0);
}

// Its first packet is dropped, whatever the rules above say (measured.md P1). A rule that is for some traffic only is
// for that of somebody else here.
bool security_is_required(const World& world, std::uint16_t port, std::uint32_t profile) {
  return std::ranges::any_of(world.firewall.security_rules, [&](const SecurityRuleText& rule) {
    return security_effect(rule, world.firewall.status, port, profile) == SecurityEffect::blocks;
  });
}

bool profile_lets_in(const World& world, std::uint16_t tcp_port, std::uint32_t profile) {
  const auto& status = world.firewall.status;
  if (security_is_required(world, tcp_port, profile)) return false;
  if ((status.enabled_profiles & profile) == 0) return true;
  if ((status.block_all_inbound & profile) != 0) return false;
  bool allowed = false;
  for (const auto& rule : world.firewall.rules) {
    if (!applies(rule, status, tcp_port, profile)) continue;
    if (!rule.allow) return false;
    allowed = true;
  }
  return allowed;
}

}  // namespace

// Without one of the two services everything from outside is dropped (measured.md F1).
bool firewall_lets_in(const World& world, std::uint16_t tcp_port) {
  const auto runs = [&](std::string_view name) { return is_running(world, name); };
  if (!std::ranges::all_of(k_firewall_services, runs)) return false;
  return std::ranges::all_of(world.firewall.status.interfaces, [&](const FirewallInterface& each) {
    return !each.carries_clients || profile_lets_in(world, tcp_port, each.profile);
  });
}

FirewallRule* find_rule(World& world, std::string_view id, bool by_policy) {
  const auto found = std::ranges::find_if(world.firewall.rules, [&](const FirewallRule& rule) {
    return lower(rule.id) == lower(id) && rule.by_policy == by_policy;
  });
  return found == world.firewall.rules.end() ? nullptr : &*found;
}

void log_rule_change(World& world, const FirewallRule& rule, std::string_view by_application) {
  world.log.append(events::firewall_rule(events::RuleChange::changed, rule, by_application), world.now(),
                   world.full_name);
}

}  // namespace rdpmend::sim
