#include "agent-lib/win32/firewall.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent-lib/win32/firewall_policy.hpp"
#include "agent-lib/win32/firewall_rule_text.hpp"
#include "agent-lib/win32/registry.hpp"

namespace rdpmend::win32 {

namespace {

constexpr std::string_view k_local_rules =
    R"(SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules)";
constexpr std::string_view k_policy_rules = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules)";
// Where Intune and other device management put theirs: a policy, too.
constexpr std::string_view k_managed_rules =
    R"(SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\Mdm\FirewallRules)";

// MS-GPFAS 2.2.3: settings of a profile by Group Policy.
constexpr std::pair<std::uint32_t, std::string_view> k_policy_profiles[] = {
    {k_profile_domain, R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\DomainProfile)"},
    {k_profile_private, R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile)"},
    {k_profile_public, R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile)"},
};

Status add_rules(std::string_view key, bool by_policy, std::string_view group, std::vector<FirewallRule>& all) {
  return for_each_text(key, [&](std::string id, const std::string& data) {
    auto rule = parse_rule_text(std::move(id), data);
    if (!rule || (!group.empty() && !same_name(widen(rule->group), widen(group)))) return;
    rule->by_policy = by_policy;
    all.push_back(std::move(*rule));
  });
}

Result<bool> local_rules_ignored(std::uint32_t active_profiles) {
  const Win32Registry registry;
  for (const auto& [profile, key] : k_policy_profiles) {
    if ((active_profiles & profile) == 0) continue;
    const auto merge = read_dword(registry, key, "AllowLocalPolicyMerge");
    if (!merge) return fail(merge.error());
    if (*merge && **merge == 0) return true;
  }
  return false;
}

}  // namespace

Result<FirewallStatus> Win32Firewall::status() const {
  const ComApartment apartment;
  const auto policy = open_policy();
  if (!policy) return fail(policy.error());
  auto status = read_status(policy->get());
  if (!status) return status;
  const auto ignored = local_rules_ignored(status->active_profiles);
  if (!ignored) return fail(ignored.error());
  status->local_rules_ignored = *ignored;
  return status;
}

Result<std::vector<FirewallRule>> Win32Firewall::rules(std::string_view group) const {
  std::vector<FirewallRule> all;
  if (auto added = add_rules(k_local_rules, false, group, all); !added) return fail(std::move(added).error());
  if (auto added = add_rules(k_policy_rules, true, group, all); !added) return fail(std::move(added).error());
  if (auto added = add_rules(k_managed_rules, true, group, all); !added) return fail(std::move(added).error());
  return all;
}

Status Win32Firewall::set_enabled(std::string_view rule_id, bool enabled) {
  const auto all = rules("");
  if (!all) return fail(all.error());
  const FirewallRule* wanted = nullptr;
  bool in_policy = false;
  for (const auto& rule : *all) {
    if (!same_name(widen(rule.id), widen(rule_id))) continue;
    if (rule.by_policy) in_policy = true;
    if (!rule.by_policy) wanted = &rule;
  }
  if (wanted == nullptr && in_policy) {
    return fail(ErrorCode::denied, fmt::format("firewall rule {} belongs to a policy", rule_id), "Change the policy.");
  }
  if (wanted == nullptr) return fail(ErrorCode::not_found, fmt::format("there is no firewall rule {}", rule_id));

  const ComApartment apartment;
  const auto policy = open_policy();
  if (!policy) return fail(policy.error());
  const auto rule = find_rule_object(policy->get(), *wanted);
  if (!rule) return fail(rule.error());
  // A put is in force at once. https://learn.microsoft.com/windows/win32/api/netfw/nn-netfw-inetfwrule
  const auto result = (*rule)->put_Enabled(enabled ? VARIANT_TRUE : VARIANT_FALSE);
  if (FAILED(result)) {
    return fail(
        hresult_error(fmt::format("cannot {} firewall rule {}", enabled ? "enable" : "disable", rule_id), result));
  }
  return {};
}

}  // namespace rdpmend::win32
