// This Windows computer, or Wine's. What a test arranges is its own and is taken away again.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent-lib/win32/win32_host.hpp"
#include "tests/contract/stage.hpp"

namespace rdpmend::contract {

// Only Wine's computers are changed without asking.
inline constexpr const char* k_consent = "RDPMEND_CONTRACT_CHANGES_HOST";

class Win32Stage final : public Stage {
 public:
  Win32Stage();
  ~Win32Stage() override;
  Win32Stage(const Win32Stage&) = delete;
  Win32Stage& operator=(const Win32Stage&) = delete;

  HostControl host() override { return host_->control(); }
  Status put(const std::string& key, const std::string& name, const RegistryValue& value) override;
  Result<std::string> store() override;
  Result<std::string> certificate_with_key() override;
  Result<KeyFileName> key_file() override;
  Status access_lists_are_kept() override;
  Result<ServicePair> services() override;
  Status dependents_are_listed() override;
  Result<std::string> firewall_rule() override;
  Result<EventKind> event_kind() override;
  Status log_event() override;
  Status silence(Silence how) override;
  Status deny_bookmarks() override;
  Status close_listener() override;

  // Where copies of key files are kept; of the tests' own, not private.
  static std::filesystem::path kept_folder();

 private:
  static Status may_change();

  std::unique_ptr<win32::Win32Host> host_;
  std::optional<RegistryBinary> port_before_;
};

}  // namespace rdpmend::contract
