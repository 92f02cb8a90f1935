// Windows Defender Firewall: whether a client's connection gets in. A block rule beats every allow rule.
// https://learn.microsoft.com/windows/security/operating-system-security/network-security/windows-firewall/rules
#include <algorithm>

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

// Whether the rule speaks of a client from anywhere that connects to TermService on this port.
bool applies(const FirewallRule& rule, const FirewallStatus& status, std::uint16_t port) {
  const bool about_term_service =
      lower(rule.service) == "termservice" || (rule.service.empty() && rule.application.empty());
  return rule.enabled && rule.inbound && rule.protocol == 6 && (rule.profiles & status.active_profiles) != 0 &&
         about_term_service && covers_port(rule.local_ports, port) && rule.remote_addresses == "*" && !rule.narrowed &&
         (rule.by_policy || !status.local_rules_ignored);
}

}  // namespace

bool firewall_lets_in(const World& world, std::uint16_t tcp_port) {
  const auto& status = world.firewall.status;
  if ((status.active_profiles & status.enabled_profiles) == 0) return true;
  if (status.block_all_inbound) return false;
  bool allowed = false;
  for (const auto& rule : world.firewall.rules) {
    if (!applies(rule, status, tcp_port)) continue;
    if (!rule.allow) return false;
    allowed = true;
  }
  return allowed;
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
