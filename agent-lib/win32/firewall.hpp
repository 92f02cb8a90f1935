// Windows Defender Firewall. Rules are read from where Windows keeps them, because only there they have their ids; they
// are changed, and its state is asked, through INetFwPolicy2.
#pragma once

#include <mutex>

#include "agent-lib/host/firewall.hpp"
#include "agent-lib/win32/bounded_call.hpp"

namespace rdpmend::win32 {

class Win32Firewall final : public Firewall {
 public:
  Result<FirewallStatus> status() const override;
  Result<std::vector<FirewallRule>> rules(std::string_view group) const override;
  Result<std::vector<SecurityRuleText>> security_rules() const override;
  Status set_enabled(std::string_view rule_id, bool enabled) override;

 private:
  BoundedCall<FirewallStatus> status_call_;
  std::mutex change_mutex_;  // Callers at the same time would share one change.
  BoundedCall<void> change_call_;
};

}  // namespace rdpmend::win32
