// The simulated host, healthy, on a virtual clock.
#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/support/hex.hpp"
#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

class SimStage final : public Stage {
 public:
  HostControl host() override { return host_.control(); }

  Status put(const std::string& key, const std::string& name, const RegistryValue& value) override {
    v1::SimChange change;
    auto& entry = *change.add_registry();
    entry.set_key("HKLM\\" + key);
    entry.set_name(name);
    if (const auto* dword = std::get_if<std::uint32_t>(&value)) entry.set_dword(*dword);
    if (const auto* text = std::get_if<std::string>(&value)) entry.set_text(*text);
    if (const auto* binary = std::get_if<RegistryBinary>(&value)) entry.set_binary(binary->data(), binary->size());
    host_.change(change);
    return {};
  }

  Result<std::string> store() override { return std::string(k_remote_desktop_store); }

  Result<std::string> certificate_with_key() override {
    const auto all = host().certificates.list(k_remote_desktop_store);
    if (!all) return fail(all.error());
    return all->front().sha1;
  }

  Result<KeyFileName> key_file() override {
    const auto guid = read_text(host().registry, registry_key::k_cryptography, "MachineGuid");
    if (!guid) return fail(guid.error());
    return KeyFileName{std::string(k_machine_keys_folder), machine_key_file_name("TSSecKeySet1", guid->value())};
  }

  Result<ServicePair> services() override { return ServicePair{"TermService", "UmRdpService"}; }
  Result<std::string> firewall_rule() override { return std::string("RemoteDesktop-UserMode-In-TCP"); }
  Result<EventKind> event_kind() override { return EventKind{"System", "Service Control Manager", 7036}; }

  // A service that starts or stops is logged.
  Status log_event() override {
    auto& services = host().services;
    const auto info = services.find(k_logged);
    if (!info) return fail(info.error());
    const bool running = info->value().run == ServiceRun::running;
    return running ? services.stop(k_logged, k_patience) : services.start(k_logged, k_patience);
  }

  Status silence(Silence how) override {
    v1::SimChange change;
    auto& log = *change.mutable_event_log();
    log.set_restarts(how != Silence::mute && how != Silence::passed_over);
    switch (how) {
      case Silence::restart_unnoticed: break;
      case Silence::restart_invalid_operation: log.set_dead(v1::SimEventLog::DEAD_INVALID_OPERATION); break;
      case Silence::restart_invalid_handle: log.set_dead(v1::SimEventLog::DEAD_INVALID_HANDLE); break;
      case Silence::restart_rpc_error: log.set_dead(v1::SimEventLog::DEAD_RPC); break;
      case Silence::mute: log.add_falls_silent("System"); break;
      case Silence::passed_over: log.add_next_is_large("System"); break;
    }
    host_.change(change);
    return {};
  }

  Status deny_bookmarks() override {
    v1::SimChange change;
    change.mutable_event_log()->add_strict_not_found("System");
    host_.change(change);
    return {};
  }

  Status close_listener() override {
    for (const std::string_view name : {"UmRdpService", "TermService"}) {
      if (auto stopped = host().services.stop(name, k_patience); !stopped) return stopped;
    }
    return {};
  }

 private:
  static constexpr std::string_view k_logged = "CertPropSvc";
  static constexpr Duration k_patience = std::chrono::seconds{5};

  sim::SimHost host_{v1::Scenario(), {}};
};

std::unique_ptr<Stage> make_sim_stage() {
  return std::make_unique<SimStage>();
}

INSTANTIATE_TEST_SUITE_P(Simulated, Contract, testing::Values(&make_sim_stage), [](const auto&) { return "host"; });

}  // namespace
}  // namespace rdpmend::contract
