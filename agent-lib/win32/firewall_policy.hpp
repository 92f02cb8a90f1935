// INetFwPolicy2: the firewall's profiles, and the one rule among its objects that is meant.
// https://learn.microsoft.com/windows/win32/api/netfw/nn-netfw-inetfwpolicy2
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "agent-lib/host/firewall.hpp"
#include "agent-lib/win32/com.hpp"

#include <netfw.h>

namespace rdpmend::win32 {

Result<ComPtr<INetFwPolicy2>> open_policy();

// Profiles as they are set locally, and LocalPolicyModifyState; what Group Policy says of them is not asked here.
Result<FirewallStatus> read_status(INetFwPolicy2* policy);

// The profile of each network adapter, by its GUID ("{...}", upper case). Without the network list, or where it and the
// firewall disagree, an adapter is not in it: its profile is not known.
// https://learn.microsoft.com/windows/win32/api/netlistmgr/ne-netlistmgr-nlm_network_category
std::map<std::string, std::uint32_t> read_profiles_of_adapters(std::uint32_t active_profiles);

// INetFwRule has no id, and its name is in the language of Windows: the rule is found by its group and properties, and
// where several have them by its state.
// unavailable: there is none like this; conflict: there are several; timeout: it was not found until then.
Result<ComPtr<INetFwRule>> find_rule_object(INetFwPolicy2* policy, const FirewallRule& wanted,
                                            std::chrono::steady_clock::time_point until);

}  // namespace rdpmend::win32
