// The Windows computer that this process runs on.
#include "agent-lib/win32/registry_watch.hpp"
#include "agent-lib/win32/win32_host.hpp"
#include "service/hosts/host_session.hpp"
#include "service/os/private_file.hpp"

namespace rdpmend {

namespace {

// Where the settings are that the faults read.
std::vector<std::string> watched_keys() {
  return {std::string(registry_key::k_terminal_server),
          std::string(registry_key::k_policy),
          R"(SYSTEM\CurrentControlSet\Services\TermService)",
          R"(SYSTEM\CurrentControlSet\Services\SessionEnv)",
          R"(SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy)",
          R"(SOFTWARE\Policies\Microsoft\WindowsFirewall)",
          R"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop)"};
}

class WindowsMachine final : public HostSession {
 public:
  explicit WindowsMachine(std::unique_ptr<win32::Win32Host> host) : host_(std::move(host)) {}
  HostControl control() override { return host_->control(); }

  Status set_on_change(const std::function<void()>& changed) override {
    watch_.reset();
    if (!changed) return {};
    auto watch = win32::RegistryWatch::open(watched_keys(), changed);
    if (!watch) return fail(std::move(watch).error());
    watch_ = std::move(*watch);
    return {};
  }

 private:
  std::unique_ptr<win32::Win32Host> host_;
  std::unique_ptr<win32::RegistryWatch> watch_;
};

}  // namespace

Result<std::unique_ptr<HostSession>> open_this_machine(const std::filesystem::path& kept_keys) {
  if (!kept_keys.empty()) {
    if (auto made = make_private_folder(kept_keys); !made) {
      return fail(std::move(made).error().context("cannot use the folder for copies of keys"));
    }
  }
  auto host = win32::Win32Host::open(kept_keys.wstring());
  if (!host) return fail(std::move(host).error());
  return std::make_unique<WindowsMachine>(std::move(*host));
}

}  // namespace rdpmend
