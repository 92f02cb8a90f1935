// The host firewall: rules of the local store and of Group Policy, and what changing one logs.
#include <fmt/format.h>

#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {
constexpr std::string_view k_us = R"(C:\Program Files\rdpmend\rdpmendd.exe)";
constexpr std::string_view k_somebody_else = R"(C:\Windows\System32\mmc.exe)";
}  // namespace

Result<FirewallStatus> FirewallPort::status() const {
  auto down = find_firewall_services_down(ServicesPort(machine_));
  if (!down) return fail(std::move(down).error());
  if (!down->empty()) return FirewallStatus{.services_down = std::move(*down), .interfaces = {}};
  return machine_.look([](const World& world) { return world.firewall.status; });
}

Result<std::vector<SecurityRuleText>> FirewallPort::security_rules() const {
  return machine_.look([](const World& world) { return world.firewall.security_rules; });
}

Result<std::vector<FirewallRule>> FirewallPort::rules(std::string_view group) const {
  return machine_.look([&](const World& world) {
    std::vector<FirewallRule> found;
    for (const auto& rule : world.firewall.rules) {
      if (group.empty() || lower(rule.group) == lower(group)) found.push_back(rule);
    }
    return found;
  });
}

Status FirewallPort::set_enabled(std::string_view rule_id, bool enabled) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      if (auto* rule = find_rule(world, rule_id, false)) {
        if (rule->enabled == enabled) return {};
        rule->enabled = enabled;
        log_rule_change(world, *rule, k_us);
        return {};
      }
      if (find_rule(world, rule_id, true)) {
        return fail({ErrorCode::denied, fmt::format("firewall rule {} belongs to a Group Policy", rule_id),
                     "Change the Group Policy.", OsError{"win32", 5}});
      }
      return fail(
          {ErrorCode::not_found, fmt::format("there is no firewall rule {}", rule_id), {}, OsError{"win32", 2}});
    });
  };
  // Somebody else narrows the rule.
  const auto outside_edit = [&] {
    machine_.locked([&](World& world) {
      if (auto* rule = find_rule(world, rule_id, false)) {
        rule->remote_addresses = "LocalSubnet";
        log_rule_change(world, *rule, k_somebody_else);
      }
    });
  };
  return machine_.injector().run(fmt::format("firewall.set_enabled({}, {})", rule_id, enabled), call, outside_edit);
}

}  // namespace rdpmend::sim
