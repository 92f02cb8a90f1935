// A healthy host as Windows Server installs it, with Remote Desktop allowed.
#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/sim/world.hpp"

namespace rdpmend::sim {

namespace {

using std::chrono::days;

constexpr Duration k_uptime = days{3};

void add_registry(World& world) {
  using namespace registry_key;
  set_value(world, k_terminal_server, "fDenyTSConnections", std::uint32_t{0});
  set_value(world, k_terminal_server, "TSServerDrainMode", std::uint32_t{0});
  set_value(world, k_terminal_server, "TSEnabled", std::uint32_t{1});
  set_value(world, k_win_stations, "SelfSignedCertStore", std::string(k_remote_desktop_store));
  set_value(world, k_rdp_tcp, "PortNumber", std::uint32_t{3389});
  set_value(world, k_rdp_tcp, "SecurityLayer", std::uint32_t{2});
  set_value(world, k_rdp_tcp, "UserAuthentication", std::uint32_t{1});
  set_value(world, k_rdp_tcp, "MinEncryptionLevel", std::uint32_t{3});
  set_value(world, k_rdp_tcp, "fAllowSecProtocolNegotiation", std::uint32_t{1});
  set_value(world, k_rdp_tcp, "fEnableWinStation", std::uint32_t{1});
  set_value(world, k_rdp_tcp, "fLogonDisabled", std::uint32_t{0});
  set_value(world, k_rdp_tcp, "LanAdapter", std::uint32_t{0});
  set_value(world, k_rdp_tcp, "MaxInstanceCount", std::uint32_t{0xFFFFFFFF});
  set_value(world, k_rdp_tcp, "LoadableProtocol_Object", std::string("{5828227c-20cf-4408-b73f-73ab70b8849f}"));
  set_value(world, k_term_service_parameters, "ServiceDll", std::string(R"(%SystemRoot%\System32\termsrv.dll)"));
  set_value(world, k_cryptography, "MachineGuid", std::string(k_machine_guid));
  set_value(world, k_current_version, "CurrentBuildNumber", std::to_string(world.build));
  // SYSTEM gets its access by inheritance (measured.md C5).
  v1::FileSecurity inherited;
  inherited.set_owner_sid(std::string(sid::k_administrators));
  constexpr std::uint32_t k_inherited_ace = 0x10;
  constexpr std::uint32_t k_key_all_access = 0xF003F;
  for (const auto who : {sid::k_system, sid::k_administrators}) {
    *inherited.add_dacl() = allow(who, k_key_all_access);
    inherited.mutable_dacl(inherited.dacl_size() - 1)->set_flags(k_inherited_ace);
  }
  world.key_security[lower(k_remote_desktop_store_key)] = inherited;
  world.key_security[lower(std::string(k_remote_desktop_store_key) + R"(\Certificates)")] = inherited;
  set_value(world, R"(SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList)", "ProgramData",
            std::string(R"(%SystemDrive%\ProgramData)"));
}

struct StockService {
  std::string_view name, display_name;
  v1::ServiceStartType start_type;
  bool running;
  std::vector<std::string> depends_on = {};
};

void add_services(World& world) {
  constexpr auto k_auto = v1::SERVICE_START_TYPE_AUTO;
  constexpr auto k_manual = v1::SERVICE_START_TYPE_MANUAL;
  const StockService stock[] = {
      {"RpcSs", "Remote Procedure Call (RPC)", k_auto, true},
      {"LanmanWorkstation", "Workstation", k_auto, true},
      {"CryptSvc", "Cryptographic Services", k_auto, true, {"RpcSs"}},
      {"KeyIso", "CNG Key Isolation", k_manual, true, {"RpcSs"}},
      {"CertPropSvc", "Certificate Propagation", k_manual, true, {"RpcSs"}},
      {"W32Time", "Windows Time", k_auto, true},
      {"BFE", "Base Filtering Engine", k_auto, true, {"RpcSs"}},
      {"MpsSvc", "Windows Defender Firewall", k_auto, true, {"BFE"}},
      {"TermService", "Remote Desktop Services", k_manual, true, {"RpcSs"}},
      {"UmRdpService", "Remote Desktop Services UserMode Port Redirector", k_manual, true, {"TermService"}},
      {"SessionEnv", "Remote Desktop Configuration", k_manual, true, {"RpcSs", "LanmanWorkstation"}},
  };
  std::uint32_t pid = 800;
  for (const auto& service : stock) {
    auto& added = world.services[lower(service.name)];
    added.name = service.name;
    added.display_name = service.display_name;
    added.start_type = service.start_type;
    added.depends_on = service.depends_on;
    if (!service.running) continue;
    added.run = ServiceRun::running;
    added.pid = pid += 44;
    added.started_at = -k_uptime;
    added.instance = 1;
  }
}

FirewallRule rule(std::string id, std::uint32_t protocol, std::string ports, std::string application,
                  std::string service) {
  return {.id = std::move(id),
          .group = std::string(k_remote_desktop_group),
          .enabled = true,
          .protocol = protocol,
          .local_ports = std::move(ports),
          .application = std::move(application),
          .service = std::move(service),
          .remote_addresses = "*"};
}

void add_firewall(World& world) {
  world.firewall.status.active_profiles = k_profile_domain;
  world.firewall.status.interfaces = {{"Ethernet", {"192.0.2.10"}, k_profile_domain, true}};
  world.firewall.status.enabled_profiles = k_profile_domain | k_profile_private | k_profile_public;
  const std::string service_host = R"(%SystemRoot%\system32\svchost.exe)";
  world.firewall.rules = {
      rule("RemoteDesktop-UserMode-In-TCP", 6, "3389", service_host, "termservice"),
      rule("RemoteDesktop-UserMode-In-UDP", 17, "3389", service_host, "termservice"),
      rule("RemoteDesktop-Shadow-In-TCP", 6, "*", R"(%SystemRoot%\system32\RdpSa.exe)", ""),
  };
}

void add_other_key(World& world) {
  const FolderAndFile name{k_machine_keys_folder, machine_key_file_name("iisConfigurationKey", k_machine_guid)};
  world.key_files[name] = {stock_key_file_security(world.build), make_key_pair(false), ++world.last_key_generation};
}

}  // namespace

void install_stock_state(World& world) {
  add_registry(world);
  add_services(world);
  add_firewall(world);
  add_other_key(world);
  world.stores[std::string(k_my_store)];
  install_certificate(world, world.now() - days{60}, world.now() + days{120});
  world.sessions.push_back({.id = 1, .remote = false, .active = true});
}

}  // namespace rdpmend::sim
