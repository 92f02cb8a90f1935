// A healthy host as Windows Server installs it, with Remote Desktop allowed.
#include <map>

#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/sim/world.hpp"

namespace rdpmend::sim {

namespace {

using std::chrono::days;

constexpr Duration k_uptime = days{3};

void add_value(World& world, const std::string& key, const v1::StockValue& value) {
  if (value.has_dword() && value.dword().has_value()) set_value(world, key, value.name(), value.dword().value());
  if (!value.has_text() || value.text().value().empty()) return;
  const auto& text = value.text().value();
  set_value(world, key, value.name(),
            value.text().expands() ? RegistryValue(ExpandableText{text}) : RegistryValue(text));
}

void add_registry(World& world, const v1::StockHost& stock) {
  using namespace registry_key;
  for (const auto& key : stock.keys()) {
    for (const auto& value : key.values()) add_value(world, key.key(), value);
  }
  set_value(world, k_cryptography, "MachineGuid", std::string(k_machine_guid));
  set_value(world, k_current_version, "CurrentBuildNumber", std::to_string(world.build));
  const auto& store = stock.certificate_store_key().security();
  world.key_security[lower(k_remote_desktop_store_key)] = store;
  world.key_security[lower(std::string(k_remote_desktop_store_key) + R"(\Certificates)")] = store;
}

// In English; a host has them in its own language, and nothing may match them.
std::string_view display_name_of(std::string_view service) {
  static const std::map<std::string_view, std::string_view> table = {
      {"RpcSs", "Remote Procedure Call (RPC)"},
      {"LanmanWorkstation", "Workstation"},
      {"CryptSvc", "Cryptographic Services"},
      {"KeyIso", "CNG Key Isolation"},
      {"CertPropSvc", "Certificate Propagation"},
      {"W32Time", "Windows Time"},
      {"BFE", "Base Filtering Engine"},
      {"MpsSvc", "Windows Defender Firewall"},
      {"TermService", "Remote Desktop Services"},
      {"UmRdpService", "Remote Desktop Services UserMode Port Redirector"},
      {"SessionEnv", "Remote Desktop Configuration"},
      {"EventLog", "Windows Event Log"},
      {"nsi", "Network Store Interface Service"},
      {"Dhcp", "DHCP Client"},
      {"Dnscache", "DNS Client"},
  };
  const auto found = table.find(service);
  return found == table.end() ? service : found->second;
}

void add_service_key(World& world, const v1::StockService& stock) {
  const auto key = service_key(stock.name());
  if (stock.has_image()) set_value(world, key, "ImagePath", stock.image().path());
  if (stock.has_dll()) set_value(world, key + R"(\Parameters)", "ServiceDll", stock.dll().path());
}

void add_services(World& world, const v1::StockHost& host) {
  std::uint32_t pid = 800;
  for (const auto& stock : host.services()) {
    auto& added = world.services[lower(stock.name())];
    added.name = stock.name();
    added.display_name = display_name_of(stock.name());
    added.start_type = stock.start().type();
    added.depends_on = {stock.depends_on().services().begin(), stock.depends_on().services().end()};
    added.run = ServiceRun::running;
    added.pid = pid += 44;
    added.started_at = -k_uptime;
    added.instance = 1;
    add_service_key(world, stock);
  }
}

FirewallRule enabled(const v1::StockFirewallRule& stock) {
  return {.id = stock.id(),
          .group = std::string(k_remote_desktop_group),
          .enabled = true,
          .protocol = stock.protocol(),
          .local_ports = stock.local_ports(),
          .profiles = stock.profiles(),
          .application = stock.application(),
          .service = stock.service(),
          .remote_addresses = "*"};
}

void add_firewall(World& world, const v1::StockHost& stock) {
  world.firewall.status.active_profiles = k_profile_domain;
  world.firewall.status.interfaces = {{"Ethernet", {"192.0.2.10"}, k_profile_domain, true}};
  world.firewall.status.enabled_profiles = k_profile_domain | k_profile_private | k_profile_public;
  for (const auto& rule : stock.firewall_rules()) world.firewall.rules.push_back(enabled(rule));
}

void add_other_key(World& world) {
  const FolderAndFile name{k_machine_keys_folder, machine_key_file_name("iisConfigurationKey", k_machine_guid)};
  world.key_files[name] = {stock_key_file_security(world.build), make_key_pair(false), ++world.last_key_generation};
}

}  // namespace

void install_stock_state(World& world) {
  const auto& stock = stock_of(world.build).host();
  add_registry(world, stock);
  add_services(world, stock);
  add_firewall(world, stock);
  add_other_key(world);
  world.stores[std::string(k_my_store)];
  install_certificate(world, world.now() - days{60}, world.now() + days{120});
  world.sessions.push_back({.id = 1, .remote = false, .active = true});
}

}  // namespace rdpmend::sim
