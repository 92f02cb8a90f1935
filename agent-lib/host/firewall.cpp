#include "agent-lib/host/firewall.hpp"

#include <fmt/format.h>

namespace rdpmend {

std::string profiles_to_string(std::uint32_t profiles) {
  constexpr std::uint32_t k_known = k_profile_domain | k_profile_private | k_profile_public;
  if ((profiles & k_known) == k_known) return "all";
  std::string text;
  const auto add = [&](std::uint32_t bit, std::string_view name) {
    if ((profiles & bit) == 0) return;
    if (!text.empty()) text += ", ";
    text += name;
  };
  add(k_profile_domain, "domain");
  add(k_profile_private, "private");
  add(k_profile_public, "public");
  return text.empty() ? "none" : text;
}

std::string definition_of(const FirewallRule& rule) {
  return fmt::format("{}|{}|{}|{}|protocol={}|ports={}|profiles={:#x}|app={}|service={}|remote={}{}", rule.id,
                     rule.group, rule.allow ? "allow" : "block", rule.inbound ? "in" : "out", rule.protocol,
                     rule.local_ports, rule.profiles, rule.application, rule.service, rule.remote_addresses,
                     rule.narrowed ? "|narrowed" : "");
}

Result<std::optional<FirewallRule>> find_local_rule(const Firewall& firewall, std::string_view rule_id) {
  auto rules = firewall.rules(k_remote_desktop_group);
  if (!rules) return fail(std::move(rules).error());
  for (auto& rule : *rules) {
    if (rule.id == rule_id && !rule.by_policy) return std::move(rule);
  }
  return std::nullopt;
}

Result<std::vector<FirewallServiceDown>> find_firewall_services_down(const Services& services) {
  std::vector<FirewallServiceDown> down;
  for (const auto name : k_firewall_services) {
    auto found = services.find(name);
    if (!found) return fail(std::move(found).error());
    const auto run = *found ? (*found)->run : ServiceRun::stopped;
    if (run == ServiceRun::start_pending || run == ServiceRun::stop_pending) {
      return fail(ErrorCode::unavailable, fmt::format("the firewall's service {} is starting or stopping", name),
                  "If it goes on like this, look for its errors in the System event log.");
    }
    if (run != ServiceRun::running) down.push_back({std::string(name), std::move(*found)});
  }
  return down;
}

}  // namespace rdpmend
