#include "tests/wine/lab/stock_host.hpp"

#include <windows.h>

#include <stdexcept>

#include "agent-lib/host/firewall.hpp"
#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/sim/sim_events.hpp"
#include "tests/wine/lab/channel_store.hpp"
#include "tests/wine/lab/firewall_store.hpp"
#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/listener_certificate.hpp"
#include "tests/wine/lab/listener_key.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

using std::chrono::days;

// Display names are in the computer's language: nothing may depend on them.
struct LabService {
  const wchar_t* name;
  const wchar_t* display_name;
  const wchar_t* program;
};
constexpr LabService k_services[] = {
    {L"LanmanWorkstation", L"Arbeitsstationsdienst", L"idle_service.exe"},
    {L"CryptSvc", L"Kryptografiedienste", L"idle_service.exe"},
    {L"KeyIso", L"CNG-Schl\u00FCsselisolation", L"idle_service.exe"},
    {L"CertPropSvc", L"Zertifikatverteilung", L"idle_service.exe"},
    {L"W32Time", L"Windows-Zeitgeber", L"idle_service.exe"},
    {L"BFE", L"Basisfiltermodul", L"idle_service.exe"},
    {L"MpsSvc", L"Windows Defender Firewall", L"idle_service.exe"},
    {L"TermService", L"Remotedesktopdienste", L"term_service.exe"},
    {L"UmRdpService", L"Anschlussumleitung f\u00FCr Remotedesktopdienst im Benutzermodus", L"idle_service.exe"},
    {L"SessionEnv", L"Remotedesktopkonfiguration", L"session_env.exe"}};

const v1::StockService& stock_of_service(const Stock& stock, const LabService& service) {
  const auto* found = stock.service(narrow(service.name));
  if (found == nullptr) throw std::logic_error("nobody knows the stock service " + narrow(service.name));
  return *found;
}

// Names, each with a NUL at its end; the string ends with another.
std::wstring names_of(const v1::StockDependencies& dependencies) {
  std::wstring names;
  for (const auto& name : dependencies.services()) names += widen(name) + L'\0';
  return names;
}

void install_channels() {
  for (const auto name : sim::k_channels) {
    const bool classic = name.find('/') == std::string_view::npos;
    if (!Channel::open(name)) Channel::create(name, classic ? ChannelType::admin : ChannelType::operational);
  }
}

void install_value(const std::string& key, const v1::StockValue& value) {
  const auto name = widen(value.name());
  if (value.has_dword() && value.dword().has_value())
    RegistryKey::create(widen(key)).set_dword(name, value.dword().value());
  if (value.has_text() && !value.text().value().empty()) {
    RegistryKey::create(widen(key))
        .set_text(name, widen(value.text().value()), value.text().expands() ? REG_EXPAND_SZ : REG_SZ);
  }
}

void install_registry(const StockHost& host, const v1::StockHost& stock) {
  // Wine says Windows 7 unless told otherwise, which has no such values.
  auto version = RegistryKey::create(L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion");
  version.set_dword(L"CurrentMajorVersionNumber", 10);
  version.set_dword(L"CurrentMinorVersionNumber", 0);
  version.set_text(L"CurrentBuildNumber", std::to_wstring(host.build));
  for (const auto& key : stock.keys()) {
    for (const auto& value : key.values()) install_value(key.key(), value);
  }
  for (const auto& service : stock.services()) {
    if (!service.has_dll()) continue;
    RegistryKey::create(widen(service_key(service.name())) + L"\\Parameters")
        .set_text(L"ServiceDll", widen(service.dll().path()), REG_EXPAND_SZ);
  }
  auto time = RegistryKey::create(L"SYSTEM\\CurrentControlSet\\Services\\W32Time\\Parameters");
  time.set_text(L"Type", host.time_server.empty() ? L"NoSync" : L"NTP");
  time.set_text(L"NtpServer", host.time_server + L",0x8");
  auto cryptography = RegistryKey::create(L"SOFTWARE\\Microsoft\\Cryptography");
  if (!cryptography.text(L"MachineGuid"))
    cryptography.set_text(L"MachineGuid", L"5b1fbd3c-8a0e-4a52-9c54-7d0f6a3b2e11");
}

// As a host keeps it that lets Remote Desktop in.
RuleText text_of(const v1::StockFirewallRule& stock) {
  RuleText text;
  const auto set = [&](std::wstring_view field, const std::string& value) { text.set(field, widen(value)); };
  set(L"Action", "Allow");
  set(L"Active", "TRUE");
  set(L"Dir", "In");
  set(L"Protocol", std::to_string(stock.protocol()));
  if (stock.local_ports() != "*") set(L"LPort", stock.local_ports());
  set(L"App", stock.application());
  set(L"Svc", stock.service());
  set(L"Name", stock.name_resource());
  set(L"Desc", stock.description_resource());
  set(L"EmbedCtxt", std::string(k_remote_desktop_group));
  set(L"Edge", stock.edge_defers_to_app() ? "TRUE" : "");
  set(L"Defer", stock.edge_defers_to_app() ? "App" : "");
  return text;
}

void install_firewall(const v1::StockHost& stock) {
  set_active_profiles(1);
  for (const auto profile : k_profiles) {
    set_profile_setting(profile, L"EnableFirewall", 1);
    set_profile_setting(profile, L"DoNotAllowExceptions", 0);
    set_profile_setting(profile, L"DefaultInboundAction", 1);
  }
  constexpr std::pair<const wchar_t*, const wchar_t*> k_other_rules[] = {
      {L"CoreNet-ICMP4-DUFRAG-In",
       L"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=1|ICMP4=3:4|App=System|Name=@FirewallAPI.dll,-25251|EmbedCtxt="
       L"@FirewallAPI.dll,-25000|"},
      // As every packaged app has one for each user: without port, program and service, and about none of the host's.
      {L"{3D860988-2D74-4B56-9311-8CEC8F26648C}",
       L"v2.31|Action=Allow|Active=TRUE|Dir=In|Profile=Domain|Profile=Private|Name=@{Microsoft.DesktopAppInstaller_1.0."
       L"30251.0_x64__8wekyb3d8bbwe?ms-resource://Microsoft.DesktopAppInstaller/Resources/appDisplayName}|LUOwn=S-1-5-"
       L"21-2468057532-1901412999-489411066-1000|AppPkgId=S-1-15-2-2473817148-3930944034-1235795307-187980641-"
       L"3967865409-1804095407-1113801530|Platform=2:6:2|Platform2=GTEQ|"}};
  for (const auto& rule : stock.firewall_rules()) write_local_rule(widen(rule.id()), text_of(rule));
  for (const auto& [id, text] : k_other_rules) write_local_rule(id, RuleText(text));
}

void install_com_server(const std::filesystem::path& dll) {
  for (const auto* id : {L"{E2B3C97F-6AE1-41AC-817A-F6F92166D7DD}", L"{2C5BC43E-3369-4C33-AB0C-BE9469677AF4}"}) {
    auto server = RegistryKey::create(std::wstring(L"SOFTWARE\\Classes\\CLSID\\") + id + L"\\InprocServer32");
    server.set_text(L"", dll.wstring());
    server.set_text(L"ThreadingModel", L"Both");
  }
}

// Into system32, in Wine's place, for every program of this prefix.
// https://gitlab.winehq.org/wine/wine/-/wikis/Wine-User's-Guide#dll-overrides
void install_wevtapi(const std::filesystem::path& dll) {
  std::wstring folder(MAX_PATH, L'\0');
  folder.resize(GetSystemDirectoryW(folder.data(), static_cast<UINT>(folder.size())));
  const auto target = std::filesystem::path(folder) / L"wevtapi.dll";
  if (!CopyFileW(dll.c_str(), target.c_str(), FALSE))
    throw std::runtime_error("cannot replace wevtapi.dll: error " + std::to_string(GetLastError()));
  HKEY key = nullptr;
  constexpr wchar_t k_native[] = L"native";
  if (RegCreateKeyExW(HKEY_CURRENT_USER, L"Software\\Wine\\DllOverrides", 0, nullptr, 0, KEY_SET_VALUE, nullptr, &key,
                      nullptr) != ERROR_SUCCESS)
    throw std::runtime_error("cannot override wevtapi.dll");
  RegSetValueExW(key, L"wevtapi", 0, REG_SZ, reinterpret_cast<const BYTE*>(k_native), sizeof k_native);
  RegCloseKey(key);
}

void install_certificate() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  make_stock_folder();
  if (const auto old = find_self_signed_certificate()) remove_self_signed_certificate(old->sha1);
  make_self_signed_certificate(now - days{60}, now + days{120});
}

struct ServiceHandle {
  SC_HANDLE handle;
  ~ServiceHandle() {
    if (handle) CloseServiceHandle(handle);
  }
};

// Wine has one or another of them, which do nothing, and an earlier setup may have made them all.
void install_service(SC_HANDLE manager, const LabService& service, const v1::StockService& stock,
                     const std::filesystem::path& programs) {
  const DWORD start = stock.start().type() == v1::SERVICE_START_TYPE_AUTO ? SERVICE_AUTO_START : SERVICE_DEMAND_START;
  auto command = L"\"" + (programs / service.program).wstring() + L"\"";
  if (std::wstring_view(service.program) == L"idle_service.exe") command += std::wstring(L" ") + service.name;
  const auto names = names_of(stock.depends_on());
  const auto* depends_on = names.empty() ? nullptr : names.c_str();
  const ServiceHandle made{CreateServiceW(manager, service.name, service.display_name, SERVICE_ALL_ACCESS,
                                          SERVICE_WIN32_OWN_PROCESS, start, SERVICE_ERROR_NORMAL, command.c_str(),
                                          nullptr, nullptr, depends_on, nullptr, nullptr)};
  if (made.handle) return;
  const ServiceHandle there{OpenServiceW(manager, service.name, SERVICE_CHANGE_CONFIG)};
  if (there.handle &&
      ChangeServiceConfigW(there.handle, SERVICE_WIN32_OWN_PROCESS, start, SERVICE_ERROR_NORMAL, command.c_str(),
                           nullptr, nullptr, depends_on, nullptr, nullptr, service.display_name))
    return;
  throw std::runtime_error("cannot make service " + narrow(service.name) + ": error " + std::to_string(GetLastError()));
}

void install_services(const std::filesystem::path& programs, const Stock& stock) {
  const ServiceHandle manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS)};
  for (const auto& service : k_services)
    install_service(manager.handle, service, stock_of_service(stock, service), programs);
}

}  // namespace

void install_stock_host(const StockHost& host) {
  auto lab = RegistryKey::create(k_lab_key);
  lab.set_text(L"OwnAddresses", host.own_addresses);
  lab.set_text(L"OutsideAddresses", host.outside_addresses);
  install_channels();
  const auto stock = stock_of(host.build);
  install_registry(host, stock.host());
  install_firewall(stock.host());
  install_wevtapi(host.programs / L"wevtapi.dll");
  install_com_server(host.programs / L"rdpmend_lab_firewall.dll");
  install_certificate();
  install_services(host.programs, stock);
}

void start_stock_services(unsigned deadline_ms) {
  const ServiceHandle manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
  const auto until = GetTickCount64() + deadline_ms;
  for (const auto& each : k_services) {
    const ServiceHandle service{OpenServiceW(manager.handle, each.name, SERVICE_START | SERVICE_QUERY_STATUS)};
    if (!service.handle)
      throw std::runtime_error("cannot open " + narrow(each.name) + ": error " + std::to_string(GetLastError()));
    if (!StartServiceW(service.handle, 0, nullptr) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
      throw std::runtime_error("cannot start " + narrow(each.name) + ": error " + std::to_string(GetLastError()));
    SERVICE_STATUS status{};
    while (QueryServiceStatus(service.handle, &status) && status.dwCurrentState != SERVICE_RUNNING) {
      if (GetTickCount64() > until || status.dwCurrentState == SERVICE_STOPPED)
        throw std::runtime_error("service " + narrow(each.name) + " does not start");
      Sleep(20);
    }
  }
}

}  // namespace rdpmend::lab
