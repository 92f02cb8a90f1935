// lab.exe: makes a Wine prefix a Remote Desktop host, breaks it, and shows it.
#include <windows.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "tests/wine/lab/channel_store.hpp"
#include "tests/wine/lab/event_fields.hpp"
#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/firewall_store.hpp"
#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/listener_certificate.hpp"
#include "tests/wine/lab/listener_key.hpp"
#include "tests/wine/lab/stock_host.hpp"
#include "tests/wine/lab/text.hpp"

#include <objbase.h>
//
#include <netfw.h>

namespace rdpmend::lab {

namespace {

using std::chrono::days;
using Arguments = std::vector<std::string>;

constexpr unsigned k_start_deadline_ms = 60'000;
constexpr DWORD k_store_timeout_ms = 10'000;
constexpr wchar_t k_release_event[] = L"rdpmend-laboratory-release";

std::filesystem::path own_folder() {
  std::wstring path(MAX_PATH * 2, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return std::filesystem::path(path).parent_path();
}

Seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

// "build=20348", "own=ADDRESS", "outside=ADDRESS", "time=ADDRESS".
void setup(const Arguments& arguments) {
  StockHost host;
  host.programs = own_folder();
  for (const auto& argument : arguments) {
    const auto name = argument.substr(0, argument.find('='));
    const auto value = argument.substr(std::min(name.size() + 1, argument.size()));
    if (name == "build") {
      host.build = static_cast<std::uint32_t>(std::stoul(value));
    } else if (name == "time") {
      host.time_server = widen(value);
    } else if (name == "own" || name == "outside") {
      (name == "own" ? host.own_addresses : host.outside_addresses) += widen(value) + L" ";
    } else {
      throw std::runtime_error("what is " + argument + "?");
    }
  }
  install_stock_host(host);
}

// A healthy host that runs. Wine ends all services with the last program that is none. This one is there so that they
// live.
void run(const Arguments& arguments) {
  setup(arguments);
  const HANDLE released = CreateEventW(nullptr, TRUE, FALSE, k_release_event);
  start_stock_services(k_start_deadline_ms);
  std::cout << "running" << std::endl;
  WaitForSingleObject(released, INFINITE);
  CloseHandle(released);
}

void release(const Arguments&) {
  const HANDLE released = OpenEventW(EVENT_MODIFY_STATE, FALSE, k_release_event);
  if (!released) throw std::runtime_error("the laboratory does not run");
  SetEvent(released);
  CloseHandle(released);
}

// As if nothing had renewed it: made 190 days ago, over since 10. Its key is as good as before.
void expire_certificate(const Arguments&) {
  const auto old = find_self_signed_certificate();
  make_self_signed_certificate(now() - days{190}, now() - days{10});
  if (old) remove_self_signed_certificate(old->sha1);
}

void remove_certificate(const Arguments&) {
  if (const auto old = find_self_signed_certificate()) remove_self_signed_certificate(old->sha1);
}

// What a hardening script leaves. SIDs, or all of the stock list.
void deny_key(const Arguments& arguments) {
  const Arguments all{"S-1-5-18", "S-1-5-20"};
  take_from_listener_key(arguments.empty() ? all : arguments);
}

// As companies forbid self-signed certificates, or break them (measured.md C4, C6).
void deny_store(const Arguments&) {
  deny_system(L"SOFTWARE\\Microsoft\\SystemCertificates\\Remote Desktop");
}

void behave(const Arguments& arguments) {
  for (const auto& how : arguments) RegistryKey::create(k_lab_key).set_dword(widen(how), 1);
}

class Service {
 public:
  explicit Service(const std::string& name)
      : manager_(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)),
        service_(OpenServiceW(manager_, widen(name).c_str(), SERVICE_ALL_ACCESS)) {
    must(service_ != nullptr, "open");
  }
  ~Service() {
    CloseServiceHandle(service_);
    CloseServiceHandle(manager_);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  SC_HANDLE get() const { return service_; }
  static void must(bool done, const std::string& what) {
    if (!done) throw std::runtime_error("cannot " + what + " the service: error " + std::to_string(GetLastError()));
  }

 private:
  SC_HANDLE manager_;
  SC_HANDLE service_;
};

void disable_service(const Arguments& arguments) {
  const Service service(arguments.at(0));
  Service::must(ChangeServiceConfigW(service.get(), SERVICE_NO_CHANGE, SERVICE_DISABLED, SERVICE_NO_CHANGE, nullptr,
                                     nullptr, nullptr, nullptr, nullptr, nullptr, nullptr),
                "disable");
}

void start_service(const Arguments& arguments) {
  const Service service(arguments.at(0));
  Service::must(StartServiceW(service.get(), 0, nullptr), "start");
}

void stop_service(const Arguments& arguments) {
  const Service service(arguments.at(0));
  SERVICE_STATUS status{};
  Service::must(ControlService(service.get(), SERVICE_CONTROL_STOP, &status), "stop");
}

void show_service(const Arguments& arguments) {
  const Service service(arguments.at(0));
  SERVICE_STATUS_PROCESS status{};
  DWORD needed = 0;
  Service::must(QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status),
                                     sizeof status, &needed),
                "query");
  constexpr const char* k_states[] = {"",        "stopped",          "start pending", "stop pending",
                                      "running", "continue pending", "pause pending", "paused"};
  std::cout << k_states[status.dwCurrentState & 7] << ", exit code " << status.dwWin32ExitCode << ", process "
            << status.dwProcessId << "\n";
}

// The rule is left to the active profiles, and a copy of it serves the others.
void split_firewall_rule(const Arguments& arguments) {
  const auto id = widen(arguments.front());
  auto rule = find_local_rule(id);
  if (!rule) throw std::runtime_error("there is no rule " + narrow(id));
  constexpr std::pair<std::uint32_t, const wchar_t*> k_names[] = {{1, L"Domain"}, {2, L"Private"}, {4, L"Public"}};
  std::vector<std::wstring> here, elsewhere;
  for (const auto& [profile, name] : k_names) ((active_profiles() & profile) != 0 ? here : elsewhere).push_back(name);
  auto copy = *rule;
  copy.set(L"Name", L"Elsewhere");
  copy.set_all(L"Profile", elsewhere);
  write_local_rule(id + L"-elsewhere", copy);
  rule->set_all(L"Profile", here);
  write_local_rule(id, *rule);
}

// Through COM, as netsh and PowerShell do it, so that the firewall logs it.
void disable_firewall_rule(const Arguments& arguments) {
  const auto id = widen(arguments.empty() ? "RemoteDesktop-UserMode-In-TCP" : arguments.front());
  const auto wanted = find_local_rule(id);
  if (!wanted) throw std::runtime_error("there is no rule " + narrow(id));
  if (FAILED(CoInitializeEx(nullptr, COINIT_MULTITHREADED))) throw std::runtime_error("no COM");
  INetFwPolicy2* policy = nullptr;
  INetFwRules* rules = nullptr;
  INetFwRule* rule = nullptr;
  auto result = CoCreateInstance(__uuidof(NetFwPolicy2), nullptr, CLSCTX_INPROC_SERVER, __uuidof(INetFwPolicy2),
                                 reinterpret_cast<void**>(&policy));
  if (SUCCEEDED(result)) result = policy->get_Rules(&rules);
  const BSTR name = SysAllocString(display_name(*wanted).c_str());
  if (SUCCEEDED(result)) result = rules->Item(name, &rule);
  if (SUCCEEDED(result)) result = rule->put_Enabled(VARIANT_FALSE);
  SysFreeString(name);
  for (IUnknown* object :
       {static_cast<IUnknown*>(rule), static_cast<IUnknown*>(rules), static_cast<IUnknown*>(policy)}) {
    if (object) object->Release();
  }
  CoUninitialize();
  if (FAILED(result)) throw std::runtime_error("cannot disable it: " + std::to_string(result));
}

// FILE holds one event's XML; of any host, as of now.
void append(const Arguments& arguments) {
  std::ifstream file(std::filesystem::path(widen(arguments.at(0))), std::ios::binary);
  const std::string xml(std::istreambuf_iterator<char>(file), {});
  if (xml.empty()) throw std::runtime_error("cannot read " + arguments.at(0));
  const auto count = arguments.size() > 1 ? std::stoul(arguments.at(1)) : 1;
  for (unsigned long i = 0; i < count; ++i) append_event(with_time(xml, file_time_now()));
}

void clear_log(const Arguments& arguments) {
  auto channel = Channel::open(arguments.at(0));
  if (!channel) throw std::runtime_error("there is no channel " + arguments.at(0));
  channel->clear();
}

// Whoever has a subscription is told nothing, and reads nothing more from it (measured.md E1).
void restart_event_log(const Arguments&) {
  for (const auto& name : channel_names()) Channel::open(name)->kill_subscriptions(DeadAnswer::no_more_items);
}

void print_events(const Arguments& arguments) {
  auto channel = Channel::open(arguments.at(0));
  if (!channel) throw std::runtime_error("there is no channel " + arguments.at(0));
  channel->read(0, k_store_timeout_ms, [](const StoredEvent& event) {
    std::cout << event.xml << "\n";
    return true;
  });
}

// One line each, "what: how".
void show(const Arguments&) {
  if (const auto certificate = find_self_signed_certificate()) {
    std::cout << "certificate: " << hex(certificate->sha1) << "\n";
    std::cout << "certificate-days-left: " << std::chrono::floor<days>(certificate->not_after - now()).count() << "\n";
  } else {
    std::cout << "certificate: none\n";
  }
  std::cout << "key-file: " << narrow(listener_key_path()) << "\n";
  std::cout << "key-access: " << access_of(listener_key_path()) << "\n";
  for (const auto& rule : local_rules())
    std::cout << "rule " << narrow(rule.id) << ": " << narrow(rule.text.text()) << "\n";
  for (const auto& name : channel_names()) {
    const auto extent = Channel::open(name)->extent(k_store_timeout_ms);
    if (extent) std::cout << "channel " << name << ": " << extent->oldest << " to " << extent->last << "\n";
  }
}

struct Command {
  const char* name;
  const char* help;
  std::size_t arguments;
  void (*run)(const Arguments&);
};
constexpr Command k_commands[] = {
    {"setup", "[build=N] [own=ADDRESS]... [outside=ADDRESS]... [time=ADDRESS] install a healthy host of that build", 0,
     setup},
    {"run", "ARGUMENTS             the same, start its services, and let them run until release", 0, run},
    {"release", "                  end run", 0, release},
    {"show", "                     what it is like now", 0, show},
    {"events", "CHANNEL            all events of a channel", 1, print_events},
    {"expire-certificate", "       the listener's certificate is over", 0, expire_certificate},
    {"remove-certificate", "       the listener's certificate is gone", 0, remove_certificate},
    {"deny-key", "[SID]...         their entries are gone from its access list; SYSTEM's and NETWORK SERVICE's", 0,
     deny_key},
    {"deny-store", "               SYSTEM may not write into its store", 0, deny_store},
    {"behave", "NAME...            as real hosts may: CreationFails, FailedCreationTakesOldKey, UmRdpServiceComesBack",
     1, behave},
    {"disable-service", "NAME      its start type is disabled", 1, disable_service},
    {"start-service", "NAME", 1, start_service},
    {"stop-service", "NAME", 1, stop_service},
    {"service", "NAME              its state", 1, show_service},
    {"disable-firewall-rule", "[ID]", 0, disable_firewall_rule},
    {"split-firewall-rule", "ID    it is for the active profiles only, and a copy of it for the others", 1,
     split_firewall_rule},
    {"append-event", "FILE [TIMES] log an event, as of now", 1, append},
    {"clear-log", "CHANNEL", 1, clear_log},
    {"restart-event-log", "        subscriptions that are open are dead", 0, restart_event_log}};

int main_of(const Arguments& arguments) {
  for (const auto& command : k_commands) {
    if (arguments.empty() || arguments.front() != command.name || arguments.size() <= command.arguments) continue;
    keep_file_security(std::nullopt);
    command.run({arguments.begin() + 1, arguments.end()});
    return 0;
  }
  for (const auto& command : k_commands) std::cerr << "lab " << command.name << " " << command.help << "\n";
  return 2;
}

}  // namespace

}  // namespace rdpmend::lab

int main(int argc, char** argv) {
  try {
    return rdpmend::lab::main_of({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "lab: " << error.what() << "\n";
    return 1;
  }
}
