// The host firewall (Windows Defender Firewall), rules by id, never by display name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

// NET_FW_PROFILE_TYPE2, a bit mask.
inline constexpr std::uint32_t k_profile_domain = 1;
inline constexpr std::uint32_t k_profile_private = 2;
inline constexpr std::uint32_t k_profile_public = 4;
inline constexpr std::uint32_t k_profile_all = 0x7FFFFFFF;
std::string profiles_to_string(std::uint32_t profiles);  // "domain, private" or "all"

struct FirewallRule {
  std::string id;     // "RemoteDesktop-UserMode-In-TCP"
  std::string group;  // "@FirewallAPI.dll,-28752"
  bool enabled = false;
  bool allow = true;  // false: Block
  bool inbound = true;
  std::uint32_t protocol = 6;  // 6 TCP, 17 UDP
  std::string local_ports;     // "3389"
  std::uint32_t profiles = k_profile_all;
  std::string application;       // "%SystemRoot%\system32\svchost.exe"
  std::string service;           // "termservice"
  std::string remote_addresses;  // "*"
  bool narrowed = false;         // By what is not told here: interface, local address, remote port, user, IPsec.
  bool by_policy = false;        // From Group Policy's store; cannot be changed here.
};
// Everything of a rule but `enabled`, as one line of text, for comparing.
std::string definition_of(const FirewallRule& rule);

enum class LocalPolicyModify { ok, policy_override, inbound_blocked };  // INetFwPolicy2::LocalPolicyModifyState

struct FirewallStatus {
  std::uint32_t active_profiles = 0;
  std::uint32_t enabled_profiles = 0;  // Profiles in which the firewall is on.
  bool block_all_inbound = false;      // In one of the active profiles.
  bool local_rules_ignored = false;    // AllowLocalPolicyMerge = 0 by policy.
  LocalPolicyModify modify = LocalPolicyModify::ok;
};

inline constexpr std::string_view k_remote_desktop_group = "@FirewallAPI.dll,-28752";

class Firewall {
 public:
  virtual ~Firewall() = default;
  virtual Result<FirewallStatus> status() const = 0;
  // Local and policy rules of a group; empty: of all groups. Those for apps and their users are left out: no service is
  // theirs.
  virtual Result<std::vector<FirewallRule>> rules(std::string_view group) const = 0;
  // Of the local store. not_found: there is none.
  virtual Status set_enabled(std::string_view rule_id, bool enabled) = 0;
};

// The local rule with this id in the Remote Desktop group, if there is one.
Result<std::optional<FirewallRule>> find_local_rule(const Firewall& firewall, std::string_view rule_id);

}  // namespace rdpmend
