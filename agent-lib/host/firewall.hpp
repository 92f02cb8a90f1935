// The host firewall (Windows Defender Firewall), rules by id, never by display name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/host/services.hpp"
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

// An interface with an address, and the profile that its network puts it in.
struct FirewallInterface {
  std::string name;  // "Ethernet", for people.
  std::vector<std::string> addresses;
  std::uint32_t profile = 0;     // One bit; 0: not known.
  bool carries_clients = false;  // The listener's clients come in here, as far as can be told.
};

// One of the two services without which nothing gets in from outside (measured.md F1), and which does not run.
struct FirewallServiceDown {
  std::string name;
  std::optional<ServiceInfo> found;  // nullopt: there is no such service.
};

inline constexpr std::string_view k_firewall_services[] = {"BFE", "mpssvc"};

struct FirewallStatus {
  std::vector<FirewallServiceDown> services_down;  // If there are any, nothing below is known.
  std::uint32_t active_profiles = 0;
  std::uint32_t enabled_profiles = 0;        // Profiles in which the firewall is on, active or not, as all masks here.
  std::uint32_t block_all_inbound = 0;       // "Block all incoming connections".
  std::uint32_t allow_by_default = 0;        // What no rule speaks of gets in.
  std::uint32_t local_rules_ignored = 0;     // AllowLocalPolicyMerge = 0 by policy.
  std::uint32_t local_security_ignored = 0;  // AllowLocalIPsecPolicyMerge = 0 by policy (measured.md P5).
  LocalPolicyModify modify = LocalPolicyModify::ok;
  std::vector<FirewallInterface> interfaces;
};

// A connection security rule (IPsec) as Windows keeps it; host/connection_security reads it.
struct SecurityRuleText {
  std::string id;
  std::string text;  // "v2.31|Action=Secure|Active=TRUE|...".
  bool by_policy = false;
};

inline constexpr std::string_view k_remote_desktop_group = "@FirewallAPI.dll,-28752";

// Those of the two that do not run. An error: one of them is just starting or stopping, or cannot be asked.
Result<std::vector<FirewallServiceDown>> find_firewall_services_down(const Services& services);

class Firewall {
 public:
  virtual ~Firewall() = default;
  virtual Result<FirewallStatus> status() const = 0;
  // Local and policy rules of a group; empty: of all groups. Those for apps and their users are left out: no service is
  // theirs.
  virtual Result<std::vector<FirewallRule>> rules(std::string_view group) const = 0;
  // Local and policy connection security rules. denied: a store is locked, which is not the same as empty.
  virtual Result<std::vector<SecurityRuleText>> security_rules() const = 0;
  // Of the local store. not_found: there is none.
  virtual Status set_enabled(std::string_view rule_id, bool enabled) = 0;
};

// The local rule with this id in the Remote Desktop group, if there is one.
Result<std::optional<FirewallRule>> find_local_rule(const Firewall& firewall, std::string_view rule_id);

}  // namespace rdpmend
