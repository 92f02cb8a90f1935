// Windows Defender Firewall. Rules are read from where Windows keeps them, because only there they have their ids; they
// are changed, and its state is asked, through INetFwPolicy2.
#pragma once

#include "agent-lib/host/firewall.hpp"

namespace rdpmend::win32 {

class Win32Firewall final : public Firewall {
 public:
  Result<FirewallStatus> status() const override;
  Result<std::vector<FirewallRule>> rules(std::string_view group) const override;
  Status set_enabled(std::string_view rule_id, bool enabled) override;
};

}  // namespace rdpmend::win32
