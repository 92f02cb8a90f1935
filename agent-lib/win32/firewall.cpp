#include "agent-lib/win32/firewall.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

#include "agent-lib/win32/firewall_policy.hpp"
#include "agent-lib/win32/firewall_rule_text.hpp"
#include "agent-lib/win32/network.hpp"
#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/services.hpp"

namespace rdpmend::win32 {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_local_rules =
    R"(SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules)";
constexpr std::string_view k_policy_rules = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules)";
// Where Intune and other device management put theirs: a policy, too.
constexpr std::string_view k_managed_rules =
    R"(SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\Mdm\FirewallRules)";

// MS-GPFAS 2.2.6.2 and measured.md P2.
constexpr std::string_view k_local_security =
    R"(SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\ConSecRules)";
constexpr std::string_view k_policy_security = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\ConSecRules)";

constexpr std::string_view k_policy_domain = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\DomainProfile)";
constexpr std::string_view k_policy_private = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile)";
constexpr std::string_view k_policy_public = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile)";
constexpr std::string_view k_policy_standard = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall\StandardProfile)";

// A host with very many rules needs long for them: session hosts have leaked some with each logon.
// https://learn.microsoft.com/archive/blogs/askcorejp/firewall-rules-are-not-cleaned-up-on-user-profile-delete
constexpr Duration k_status_deadline = 15s;
constexpr Duration k_change_deadline = 60s;
constexpr Duration k_commit_deadline = 5s;

Status add_rules(std::string_view key, bool by_policy, std::string_view group, std::vector<FirewallRule>& all) {
  const auto before = all.size();
  const auto begin = [&] { all.resize(before); };
  return for_each_text(key, begin, [&](std::string id, const std::string& data) {
    auto rule = parse_rule_text(std::move(id), data);
    if (!rule || (!group.empty() && !same_name(widen(rule->group), widen(group)))) return;
    rule->by_policy = by_policy;
    all.push_back(std::move(*rule));
  });
}

struct PolicyProfile {
  std::uint32_t profile;
  std::string_view key;
};

// Of Windows XP there was one profile for private and public networks; it counts where a policy has neither of the two.
// MS-GPFAS 2.2.3, https://learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/
Result<std::array<PolicyProfile, 3>> policy_profiles() {
  const auto of_private = open_key(k_policy_private, KEY_QUERY_VALUE);
  if (!of_private) return fail(of_private.error());
  const auto of_public = open_key(k_policy_public, KEY_QUERY_VALUE);
  if (!of_public) return fail(of_public.error());
  const bool old = !*of_private && !*of_public;
  return std::array<PolicyProfile, 3>{{{k_profile_domain, k_policy_domain},
                                       {k_profile_private, old ? k_policy_standard : k_policy_private},
                                       {k_profile_public, old ? k_policy_standard : k_policy_public}}};
}

// INetFwPolicy2 tells what is set locally. Of EnableFirewall a policy's value wins, of DoNotAllowExceptions "on" does.
// https://learn.microsoft.com/windows/win32/api/netfw/nf-netfw-inetfwpolicy2-get_firewallenabled and MS-FASP 2.2.38,
// https://learn.microsoft.com/openspecs/windows_protocols/ms-fasp/5a6e0d39-802d-456b-b483-c7360566fcdd
Status overlay_policy(const PolicyProfile& policy, FirewallStatus& status) {
  const Win32Registry registry;
  const auto enable = read_dword(registry, policy.key, "EnableFirewall");
  if (!enable) return fail(enable.error());
  if (*enable && **enable != 0) status.enabled_profiles |= policy.profile;
  if (*enable && **enable == 0) status.enabled_profiles &= ~policy.profile;
  const auto shielded = read_dword(registry, policy.key, "DoNotAllowExceptions");
  if (!shielded) return fail(shielded.error());
  if (shielded->value_or(0) != 0) status.block_all_inbound |= policy.profile;
  const auto merge = read_dword(registry, policy.key, "AllowLocalPolicyMerge");
  if (!merge) return fail(merge.error());
  if (merge->value_or(1) == 0) status.local_rules_ignored |= policy.profile;
  const auto security = read_dword(registry, policy.key, "AllowLocalIPsecPolicyMerge");
  if (!security) return fail(security.error());
  if (security->value_or(1) == 0) status.local_security_ignored |= policy.profile;
  const auto inbound = read_dword(registry, policy.key, "DefaultInboundAction");
  if (!inbound) return fail(inbound.error());
  if (*inbound && **inbound == 0) status.allow_by_default |= policy.profile;
  if (*inbound && **inbound != 0) status.allow_by_default &= ~policy.profile;
  return {};
}

Result<FirewallStatus> local_status() {
  const ComApartment apartment;
  const auto policy = open_policy();
  if (!policy) return fail(policy.error());
  auto status = read_status(policy->get());
  if (!status) return status;
  auto interfaces = client_interfaces(read_profiles_of_adapters(status->active_profiles));
  if (!interfaces) return fail(std::move(interfaces).error());
  status->interfaces = std::move(*interfaces);
  return status;
}

Status add_security_rules(std::string_view key, bool by_policy, std::vector<SecurityRuleText>& all) {
  const auto before = all.size();
  const auto begin = [&] { all.resize(before); };
  return for_each_text(key, begin, [&](std::string id, std::string data) {
    all.push_back({std::move(id), std::move(data), by_policy});
  });
}

Status change_rule(const FirewallRule& wanted, bool enabled, std::chrono::steady_clock::time_point until) {
  const ComApartment apartment;
  const auto policy = open_policy();
  if (!policy) return fail(policy.error());
  const auto rule = find_rule_object(policy->get(), wanted, until);
  if (!rule) return fail(rule.error());
  // A put is in force at once. https://learn.microsoft.com/windows/win32/api/netfw/nn-netfw-inetfwrule
  const auto result = (*rule)->put_Enabled(enabled ? VARIANT_TRUE : VARIANT_FALSE);
  if (FAILED(result)) {
    return fail(
        hresult_error(fmt::format("cannot {} firewall rule {}", enabled ? "enable" : "disable", wanted.id), result));
  }
  return {};
}

}  // namespace

Result<FirewallStatus> Win32Firewall::status() const {
  // First the services: without them the interfaces answer with errors that mislead (measured.md F5).
  auto down = find_firewall_services_down(Win32Services{});
  if (!down) return fail(std::move(down).error());
  if (!down->empty()) return FirewallStatus{.services_down = std::move(*down), .interfaces = {}};
  auto status = status_call_.run("cannot read the firewall's profiles", k_status_deadline, local_status);
  if (!status) return status;
  const auto policies = policy_profiles();
  if (!policies) return fail(policies.error());
  for (const auto& policy : *policies) {
    if (auto done = overlay_policy(policy, *status); !done) return fail(std::move(done).error());
  }
  return status;
}

Result<std::vector<FirewallRule>> Win32Firewall::rules(std::string_view group) const {
  std::vector<FirewallRule> all;
  if (auto added = add_rules(k_local_rules, false, group, all); !added) return fail(std::move(added).error());
  if (auto added = add_rules(k_policy_rules, true, group, all); !added) return fail(std::move(added).error());
  if (auto added = add_rules(k_managed_rules, true, group, all); !added) return fail(std::move(added).error());
  return all;
}

Result<std::vector<SecurityRuleText>> Win32Firewall::security_rules() const {
  std::vector<SecurityRuleText> all;
  if (auto added = add_security_rules(k_local_security, false, all); !added) return fail(std::move(added).error());
  if (auto added = add_security_rules(k_policy_security, true, all); !added) return fail(std::move(added).error());
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

  // After its deadline a change that was given up does nothing any more.
  const std::scoped_lock alone(change_mutex_);
  const auto until = std::chrono::steady_clock::now() + k_change_deadline;
  return change_call_.run(fmt::format("cannot change firewall rule {}", rule_id), k_change_deadline + k_commit_deadline,
                          [rule = *wanted, enabled, until] { return change_rule(rule, enabled, until); });
}

}  // namespace rdpmend::win32
