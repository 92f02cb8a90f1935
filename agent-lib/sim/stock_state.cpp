// A healthy host as Windows Server installs it, with Remote Desktop allowed.
#include <fmt/format.h>

#include <map>

#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/sim/world.hpp"

namespace rdpmend::sim {

namespace {

using std::chrono::days;

constexpr Duration k_uptime = days{3};

RegistryValue value_of(const StockValue& stock) {
  if (const auto* number = std::get_if<std::uint32_t>(&stock.value)) return *number;
  const std::string text(std::get<std::string_view>(stock.value));
  return text.starts_with('%') ? RegistryValue(ExpandableText{text}) : text;
}

void add_registry(World& world) {
  using namespace registry_key;
  for (const auto& stock : stock_registry_values()) {
    set_value(world, stock.key, stock.name, value_of(stock));
  }
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
}

// What nobody has measured, and the English names.
struct ServiceDetails {
  std::string_view display_name;
  std::vector<std::string> depends_on = {};
};

const ServiceDetails& details_of(std::string_view service) {
  static const std::map<std::string_view, ServiceDetails> table = {
      {"RpcSs", {"Remote Procedure Call (RPC)"}},
      {"LanmanWorkstation", {"Workstation"}},
      {"CryptSvc", {"Cryptographic Services", {"RpcSs"}}},
      {"KeyIso", {"CNG Key Isolation", {"RpcSs"}}},
      {"CertPropSvc", {"Certificate Propagation", {"RpcSs"}}},
      {"W32Time", {"Windows Time"}},
      {"BFE", {"Base Filtering Engine", {"RpcSs"}}},
      {"MpsSvc", {"Windows Defender Firewall", {"BFE"}}},
      {"TermService", {"Remote Desktop Services", {"RpcSs"}}},
      {"UmRdpService", {"Remote Desktop Services UserMode Port Redirector", {"TermService"}}},
      {"SessionEnv", {"Remote Desktop Configuration", {"RpcSs", "LanmanWorkstation"}}},
      {"EventLog", {"Windows Event Log"}},
      {"nsi", {"Network Store Interface Service"}},
      {"Dhcp", {"DHCP Client"}},
      {"Dnscache", {"DNS Client"}},
  };
  return table.at(service);
}

void add_services(World& world) {
  std::uint32_t pid = 800;
  for (const auto& stock : stock_services()) {
    const auto& details = details_of(stock.name);
    auto& added = world.services[lower(stock.name)];
    added.name = stock.name;
    added.display_name = details.display_name;
    added.start_type = stock.start_type;
    added.depends_on = details.depends_on;
    added.run = ServiceRun::running;
    added.pid = pid += 44;
    added.started_at = -k_uptime;
    added.instance = 1;
    if (!stock.server_group.empty()) {
      set_value(world, fmt::format(R"(SYSTEM\CurrentControlSet\Services\{})", stock.name), "ImagePath",
                fmt::format("{}{}", k_service_host, stock.server_group));
    }
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
