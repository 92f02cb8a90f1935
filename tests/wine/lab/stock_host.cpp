#include "tests/wine/lab/stock_host.hpp"

#include <windows.h>

#include <stdexcept>

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
  const wchar_t* depends_on;  // Names, each with a NUL at its end.
};
constexpr LabService k_services[] = {
    {L"LanmanWorkstation", L"Arbeitsstationsdienst", L"idle_service.exe", L""},
    {L"CryptSvc", L"Kryptografiedienste", L"idle_service.exe", L"RpcSs\0"},
    {L"KeyIso", L"CNG-Schl\u00FCsselisolation", L"idle_service.exe", L"RpcSs\0"},
    {L"CertPropSvc", L"Zertifikatverteilung", L"idle_service.exe", L"RpcSs\0"},
    {L"W32Time", L"Windows-Zeitgeber", L"idle_service.exe", L""},
    {L"BFE", L"Basisfiltermodul", L"idle_service.exe", L"RpcSs\0"},
    {L"MpsSvc", L"Windows Defender Firewall", L"idle_service.exe", L""},
    {L"TermService", L"Remotedesktopdienste", L"term_service.exe", L"RpcSs\0"},
    {L"UmRdpService", L"Anschlussumleitung f\u00FCr Remotedesktopdienst im Benutzermodus", L"idle_service.exe",
     L"TermService\0"},
    {L"SessionEnv", L"Remotedesktopkonfiguration", L"session_env.exe", L"RpcSs\0LanmanWorkstation\0"}};

DWORD start_type_of(const LabService& service) {
  for (const auto& stock : stock_services()) {
    if (stock.name == narrow(service.name))
      return stock.start_type == v1::SERVICE_START_TYPE_AUTO ? SERVICE_AUTO_START : SERVICE_DEMAND_START;
  }
  throw std::logic_error("nobody knows the stock start type of " + narrow(service.name));
}

void install_channels() {
  for (const auto name : sim::k_channels) {
    const bool classic = name.find('/') == std::string_view::npos;
    if (!Channel::open(name)) Channel::create(name, classic ? ChannelType::admin : ChannelType::operational);
  }
}

void install_registry(const StockHost& host) {
  // Wine says Windows 7 unless told otherwise, which has no such values.
  auto version = RegistryKey::create(L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion");
  version.set_dword(L"CurrentMajorVersionNumber", 10);
  version.set_dword(L"CurrentMinorVersionNumber", 0);
  version.set_text(L"CurrentBuildNumber", std::to_wstring(host.build));
  for (const auto& stock : stock_registry_values()) {
    auto key = RegistryKey::create(widen(stock.key));
    if (const auto* number = std::get_if<std::uint32_t>(&stock.value)) {
      key.set_dword(widen(stock.name), *number);
    } else {
      const auto text = std::get<std::string_view>(stock.value);
      key.set_text(widen(stock.name), widen(text), text.starts_with('%') ? REG_EXPAND_SZ : REG_SZ);
    }
  }
  auto time = RegistryKey::create(L"SYSTEM\\CurrentControlSet\\Services\\W32Time\\Parameters");
  time.set_text(L"Type", host.time_server.empty() ? L"NoSync" : L"NTP");
  time.set_text(L"NtpServer", host.time_server + L",0x8");
  auto cryptography = RegistryKey::create(L"SOFTWARE\\Microsoft\\Cryptography");
  if (!cryptography.text(L"MachineGuid"))
    cryptography.set_text(L"MachineGuid", L"5b1fbd3c-8a0e-4a52-9c54-7d0f6a3b2e11");
}

void install_firewall() {
  set_active_profiles(1);
  for (const auto profile : k_profiles) {
    set_profile_setting(profile, L"EnableFirewall", 1);
    set_profile_setting(profile, L"DoNotAllowExceptions", 0);
    set_profile_setting(profile, L"DefaultInboundAction", 1);
  }
  constexpr std::pair<const wchar_t*, const wchar_t*> k_rules[] = {
      {L"RemoteDesktop-UserMode-In-TCP",
       L"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|App=%SystemRoot%\\system32\\svchost.exe|Svc="
       L"termservice|Name=@FirewallAPI.dll,-28775|Desc=@FirewallAPI.dll,-28756|EmbedCtxt=@FirewallAPI.dll,-28752|"},
      {L"RemoteDesktop-UserMode-In-UDP",
       L"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=3389|App=%SystemRoot%\\system32\\svchost.exe|Svc="
       L"termservice|Name=@FirewallAPI.dll,-28776|Desc=@FirewallAPI.dll,-28777|EmbedCtxt=@FirewallAPI.dll,-28752|"},
      {L"RemoteDesktop-Shadow-In-TCP",
       L"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|App=%SystemRoot%\\system32\\RdpSa.exe|Name=@FirewallAPI.dll,"
       L"-28778|Desc=@FirewallAPI.dll,-28779|EmbedCtxt=@FirewallAPI.dll,-28752|Edge=TRUE|Defer=App|"},
      {L"CoreNet-ICMP4-DUFRAG-In",
       L"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=1|ICMP4=3:4|App=System|Name=@FirewallAPI.dll,-25251|EmbedCtxt="
       L"@FirewallAPI.dll,-25000|"},
      // As every packaged app has one for each user: without port, program and service, and about none of the host's.
      {L"{3D860988-2D74-4B56-9311-8CEC8F26648C}",
       L"v2.31|Action=Allow|Active=TRUE|Dir=In|Profile=Domain|Profile=Private|Name=@{Microsoft.DesktopAppInstaller_1.0."
       L"30251.0_x64__8wekyb3d8bbwe?ms-resource://Microsoft.DesktopAppInstaller/Resources/appDisplayName}|LUOwn=S-1-5-"
       L"21-2468057532-1901412999-489411066-1000|AppPkgId=S-1-15-2-2473817148-3930944034-1235795307-187980641-"
       L"3967865409-1804095407-1113801530|Platform=2:6:2|Platform2=GTEQ|"}};
  for (const auto& [id, text] : k_rules) write_local_rule(id, RuleText(text));
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
bool change_service(SC_HANDLE manager, const LabService& stock, const std::wstring& command,
                    const wchar_t* depends_on) {
  const ServiceHandle service{OpenServiceW(manager, stock.name, SERVICE_CHANGE_CONFIG)};
  return service.handle &&
         ChangeServiceConfigW(service.handle, SERVICE_WIN32_OWN_PROCESS, start_type_of(stock), SERVICE_ERROR_NORMAL,
                              command.c_str(), nullptr, nullptr, depends_on, nullptr, nullptr, stock.display_name);
}

void install_services(const std::filesystem::path& programs) {
  const ServiceHandle manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS)};
  for (const auto& stock : k_services) {
    auto command = L"\"" + (programs / stock.program).wstring() + L"\"";
    if (std::wstring_view(stock.program) == L"idle_service.exe") command += std::wstring(L" ") + stock.name;
    const auto* depends_on = *stock.depends_on ? stock.depends_on : nullptr;
    const ServiceHandle made{CreateServiceW(manager.handle, stock.name, stock.display_name, SERVICE_ALL_ACCESS,
                                            SERVICE_WIN32_OWN_PROCESS, start_type_of(stock), SERVICE_ERROR_NORMAL,
                                            command.c_str(), nullptr, nullptr, depends_on, nullptr, nullptr)};
    if (made.handle || change_service(manager.handle, stock, command, depends_on)) continue;
    throw std::runtime_error("cannot make service " + narrow(stock.name) + ": error " + std::to_string(GetLastError()));
  }
}

}  // namespace

void install_stock_host(const StockHost& host) {
  auto lab = RegistryKey::create(k_lab_key);
  lab.set_text(L"OwnAddresses", host.own_addresses);
  lab.set_text(L"OutsideAddresses", host.outside_addresses);
  install_channels();
  install_registry(host);
  install_firewall();
  install_wevtapi(host.programs / L"wevtapi.dll");
  install_com_server(host.programs / L"rdpmend_lab_firewall.dll");
  install_certificate();
  install_services(host.programs);
}

void start_stock_services(unsigned deadline_ms) {
  const ServiceHandle manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
  const auto until = GetTickCount64() + deadline_ms;
  for (const auto& stock : k_services) {
    const ServiceHandle service{OpenServiceW(manager.handle, stock.name, SERVICE_START | SERVICE_QUERY_STATUS)};
    if (!service.handle)
      throw std::runtime_error("cannot open " + narrow(stock.name) + ": error " + std::to_string(GetLastError()));
    if (!StartServiceW(service.handle, 0, nullptr) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
      throw std::runtime_error("cannot start " + narrow(stock.name) + ": error " + std::to_string(GetLastError()));
    SERVICE_STATUS status{};
    while (QueryServiceStatus(service.handle, &status) && status.dwCurrentState != SERVICE_RUNNING) {
      if (GetTickCount64() > until || status.dwCurrentState == SERVICE_STOPPED)
        throw std::runtime_error("service " + narrow(stock.name) + " does not start");
      Sleep(20);
    }
  }
}

}  // namespace rdpmend::lab
