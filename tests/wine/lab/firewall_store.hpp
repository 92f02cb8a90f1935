// Firewall rules and profiles where real hosts keep them, in the registry: what the COM double changes, what the
// product's reader sees, and by what the TermService double lets clients in.
// Rules as text: MS-GPFAS 2.2.2, https://learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rdpmend::lab {

inline constexpr std::wstring_view k_firewall_policy =
    L"SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy";
inline constexpr std::wstring_view k_firewall_rules =
    L"SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules";
inline constexpr std::wstring_view k_firewall_policy_by_group_policy =
    L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall";

// "v2.31|Action=Allow|Active=TRUE|Dir=In|...|": fields in order, each perhaps more than once. What it does not know it
// keeps.
class RuleText {
 public:
  RuleText() = default;
  explicit RuleText(std::wstring_view text);
  std::wstring text() const;

  std::wstring get(std::wstring_view field) const;  // Empty: it is not there.
  std::vector<std::wstring> all(std::wstring_view field) const;
  // Empty values take the field away.
  void set(std::wstring_view field, std::wstring_view value);
  void set_all(std::wstring_view field, const std::vector<std::wstring>& values);

 private:
  std::wstring version_ = L"v2.31";
  std::vector<std::pair<std::wstring, std::wstring>> fields_;
};

struct StoredRule {
  std::wstring id;
  RuleText text;
};

std::vector<StoredRule> local_rules();
std::vector<StoredRule> policy_rules();
std::optional<RuleText> find_local_rule(std::wstring_view id);
void write_local_rule(std::wstring_view id, const RuleText& text);
void erase_local_rule(std::wstring_view id);

// Bits of NET_FW_PROFILE_TYPE2.
inline constexpr std::uint32_t k_profiles[] = {1, 2, 4};
std::uint32_t active_profiles();
void set_active_profiles(std::uint32_t profiles);

// Of one profile: EnableFirewall, DoNotAllowExceptions, DefaultInboundAction ... Group Policy's value beats the local.
std::uint32_t profile_setting(std::uint32_t profile, std::wstring_view name, std::uint32_t otherwise);
std::uint32_t local_profile_setting(std::uint32_t profile, std::wstring_view name, std::uint32_t otherwise);
void set_profile_setting(std::uint32_t profile, std::wstring_view name, std::uint32_t value);
// AllowLocalPolicyMerge = 0 for an active profile: local rules are void.
bool local_rules_are_void();

// What INetFwRule::Name gives: in the language of the computer, as on a real host, so that nothing can depend on it.
std::wstring display_name(const RuleText& rule);

// 0x7FFFFFFF: all.
std::uint32_t profiles_of(const RuleText& rule);

// Whether a client from anywhere reaches TermService on this port. A block rule beats every allow rule.
// https://learn.microsoft.com/windows/security/operating-system-security/network-security/windows-firewall/rules
bool firewall_lets_in(std::uint16_t tcp_port);

}  // namespace rdpmend::lab
