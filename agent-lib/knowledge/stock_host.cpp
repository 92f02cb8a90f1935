#include "agent-lib/knowledge/stock_host.hpp"

#include <string>

#include "agent-lib/host/certificate_stores.hpp"
#include "agent-lib/host/key_files.hpp"
#include "agent-lib/host/registry.hpp"

namespace rdpmend {

namespace {

constexpr std::uint32_t k_first_build_with_session_env_entry = 17763;

void add_allow(v1::FileSecurity& security, std::string_view who, std::uint32_t mask) {
  auto& ace = *security.add_dacl();
  ace.set_type(v1::Ace::TYPE_ALLOW);
  ace.set_sid(std::string(who));
  ace.set_mask(mask);
}

v1::FileSecurity owned_by_system() {
  v1::FileSecurity security;
  security.set_owner_sid(std::string(sid::k_system));
  security.set_dacl_protected(true);
  return security;
}

constexpr auto k_auto = v1::SERVICE_START_TYPE_AUTO;
constexpr auto k_manual = v1::SERVICE_START_TYPE_MANUAL;
constexpr auto k_none = v1::SERVICE_START_TYPE_UNSPECIFIED;

constexpr std::string_view k_firewall_group = "LocalServiceNoNetworkFirewall -p";
constexpr std::string_view k_restricted = "LocalServiceNetworkRestricted -p";
constexpr std::string_view k_network_service = "NetworkService -p";

constexpr StockService k_services[] = {
    {"RpcSs", k_auto, k_none, true, "rpcss -p", "rpcss", "measured.md N1, O1"},
    {"LanmanWorkstation", k_auto, k_none, false, "", "", "measured.md N1"},
    {"CryptSvc", k_auto, k_none, false, k_network_service, k_network_service, "measured.md S2"},
    {"KeyIso", k_manual, k_none, false, "", "", "measured.md S2"},
    {"CertPropSvc", k_manual, k_none, false, "netsvcs", "netsvcs", "measured.md S2"},
    // Started by hand or a trigger where no domain asks for the time.
    {"W32Time", k_auto, k_manual, false, "", "", "rdp-host.md 8.1, R-CLOCK"},
    {"BFE", k_auto, k_none, true, k_firewall_group, k_firewall_group, "measured.md S3"},
    {"MpsSvc", k_auto, k_none, true, k_firewall_group, k_firewall_group, "measured.md S3"},
    {"TermService", k_manual, k_none, false, "termsvcs", "NetworkService", "measured.md S1"},
    {"UmRdpService", k_manual, k_none, false, "LocalSystemNetworkRestricted -p", "LocalSystemNetworkRestricted -p",
     "measured.md S1"},
    {"SessionEnv", k_manual, k_none, false, "netsvcs -p", "netsvcs -p", "measured.md S1"},
    {"EventLog", k_auto, k_none, true, k_restricted, k_restricted, "measured.md E1, E4"},
    {"nsi", k_auto, k_none, true, "LocalService -p", "LocalService -p", "measured.md S4"},
    {"Dhcp", k_auto, k_none, false, k_restricted, k_restricted, "measured.md S4"},
    {"Dnscache", k_auto, k_none, false, k_network_service, k_network_service, "measured.md S4"},
};

using namespace registry_key;

constexpr StockValue k_values[] = {
    {k_terminal_server, "fDenyTSConnections", std::uint32_t{0}},
    {k_terminal_server, "TSServerDrainMode", std::uint32_t{0}},
    {k_terminal_server, "TSEnabled", std::uint32_t{1}},
    {k_win_stations, "SelfSignedCertStore", k_remote_desktop_store},
    {k_rdp_tcp, "PortNumber", std::uint32_t{3389}},
    {k_rdp_tcp, "SecurityLayer", std::uint32_t{2}},
    {k_rdp_tcp, "UserAuthentication", std::uint32_t{1}},
    {k_rdp_tcp, "MinEncryptionLevel", std::uint32_t{3}},
    {k_rdp_tcp, "fAllowSecProtocolNegotiation", std::uint32_t{1}},
    {k_rdp_tcp, "fEnableWinStation", std::uint32_t{1}},
    {k_rdp_tcp, "fLogonDisabled", std::uint32_t{0}},
    {k_rdp_tcp, "LanAdapter", std::uint32_t{0}},
    {k_rdp_tcp, "MaxInstanceCount", std::uint32_t{0xFFFFFFFF}},
    {k_rdp_tcp, "LoadableProtocol_Object", std::string_view("{5828227c-20cf-4408-b73f-73ab70b8849f}")},
    {k_term_service_parameters, "ServiceDll", std::string_view(R"(%SystemRoot%\System32\termsrv.dll)")},
    {R"(SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList)", "ProgramData",
     std::string_view(R"(%SystemDrive%\ProgramData)")},
    // A member of a domain has NT5DS.
    {R"(SYSTEM\CurrentControlSet\Services\W32Time\Parameters)", "Type", std::string_view("NTP")},
};

}  // namespace

std::span<const StockService> stock_services() {
  return k_services;
}

std::span<const StockValue> stock_registry_values() {
  return k_values;
}

v1::FileSecurity stock_key_file_security(std::uint32_t build) {
  auto security = owned_by_system();
  add_allow(security, sid::k_system, k_file_all_access);
  add_allow(security, sid::k_network_service, k_file_generic_read);
  if (build >= k_first_build_with_session_env_entry) {
    add_allow(security, sid::k_session_env, k_file_all_access);
  } else {
    add_allow(security, sid::k_administrators, k_file_generic_read);
  }
  return security;
}

v1::FileSecurity stock_machine_keys_folder_security() {
  constexpr std::uint32_t k_read_and_write = 0x0012019F;
  auto security = owned_by_system();
  add_allow(security, sid::k_everyone, k_read_and_write);
  add_allow(security, sid::k_administrators, k_file_all_access);
  return security;
}

}  // namespace rdpmend
