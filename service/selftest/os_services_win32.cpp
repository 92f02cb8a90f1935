// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-queryserviceconfig2w
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/support/time.hpp"
#include "agent-lib/support/utf8.hpp"
#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/selftest/os_checks.hpp"

namespace rdpmend {

namespace {

using win32::last_error;
using win32::UniqueService;
using Buffer = std::vector<std::uint64_t>;  // Aligned for the structures.

constexpr std::size_t k_config_bytes = 8192;  // The most that these queries answer.

Result<UniqueService> open(const wchar_t* name) {
  const UniqueService manager(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT));
  if (!manager) return fail(last_error("cannot open the Service Control Manager"));
  UniqueService service(OpenServiceW(manager.get(), name, SERVICE_QUERY_CONFIG));
  if (!service) return fail(last_error("cannot open the service"));
  return service;
}

Result<Buffer> query(const wchar_t* name, DWORD level) {
  const auto service = open(name);
  if (!service) return fail(service.error());
  Buffer buffer(k_config_bytes / sizeof(std::uint64_t));
  DWORD needed = 0;
  if (QueryServiceConfig2W(service->get(), level, reinterpret_cast<BYTE*>(buffer.data()), k_config_bytes, &needed) == 0)
    return fail(last_error("cannot query the service"));
  return buffer;
}

struct Config {
  std::string account;
  DWORD type = 0;
  std::vector<std::string> dependencies;
};

// Names, each with a NUL at its end, and one more at the end of all.
std::vector<std::string> names_in(const wchar_t* list) {
  std::vector<std::string> names;
  for (std::wstring_view name(list == nullptr ? L"" : list); !name.empty(); name = name.data() + name.size() + 1)
    names.push_back(win32::narrow(std::wstring(name)));
  return names;
}

Result<Config> read_config(const std::string& name) {
  const auto service = open(win32::widen(name).c_str());
  if (!service) return fail(service.error());
  Buffer buffer(k_config_bytes / sizeof(std::uint64_t));
  auto* config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer.data());
  DWORD needed = 0;
  if (QueryServiceConfigW(service->get(), config, k_config_bytes, &needed) == 0)
    return fail(last_error("cannot query the service"));
  return Config{win32::narrow(config->lpServiceStartName == nullptr ? L"" : config->lpServiceStartName),
                config->dwServiceType, names_in(config->lpDependencies)};
}

void check_account(const v1::StockService& stock, Checks& checks) {
  const auto& expected = stock.account();
  const Assumption assumption{
      "account of " + stock.name(),
      expected.type() == 0 ? expected.name() : fmt::format("{}, service type {:#x}", expected.name(), expected.type()),
      who_says(expected)};
  const auto config = read_config(stock.name());
  if (!config) return checks.failed(assumption, config.error());
  checks.compare(equals_ignoring_case(config->account, expected.name()) &&
                     (expected.type() == 0 || config->type == expected.type()),
                 assumption, fmt::format("{}, service type {:#x}", config->account, config->type));
}

// A service may depend on more: what matters is that it does not run without these.
void check_dependencies(const v1::StockService& stock, Checks& checks) {
  std::vector<std::string> expected(stock.depends_on().services().begin(), stock.depends_on().services().end());
  expected.insert(expected.end(), stock.depends_on().drivers().begin(), stock.depends_on().drivers().end());
  const Assumption assumption{
      "dependencies of " + stock.name(),
      expected.empty() ? std::string("none is known") : fmt::format("{} among them", fmt::join(expected, ", ")),
      who_says(stock.depends_on())};
  const auto config = read_config(stock.name());
  if (!config) return checks.failed(assumption, config.error());
  const auto& found = config->dependencies;
  const bool all = std::all_of(expected.begin(), expected.end(), [&](const auto& needed) {
    return std::any_of(found.begin(), found.end(), [&](const auto& one) { return equals_ignoring_case(one, needed); });
  });
  checks.compare(all, assumption, found.empty() ? "none" : fmt::format("{}", fmt::join(found, ", ")));
}

// The answer begins with the number of triggers; mingw-w64 does not declare the rest of it.
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_trigger_info
void check_trigger(const v1::StockService& stock, Checks& checks) {
  const Assumption assumption{"triggers of " + stock.name(), "at least one", who_says(stock.trigger())};
  const auto buffer = query(win32::widen(stock.name()).c_str(), SERVICE_CONFIG_TRIGGER_INFO);
  if (!buffer) return checks.failed(assumption, buffer.error());
  const auto count = *reinterpret_cast<const DWORD*>(buffer->data());
  checks.compare(count != 0, assumption, std::to_string(count));
}

void check_sid_type(const wchar_t* service, std::string_view source, Checks& checks) {
  const Assumption assumption{"service SID of " + win32::narrow(service), "unrestricted (1)", std::string(source)};
  const auto buffer = query(service, SERVICE_CONFIG_SERVICE_SID_INFO);
  if (!buffer) return checks.failed(assumption, buffer.error());
  const auto type = reinterpret_cast<const SERVICE_SID_INFO*>(buffer->data())->dwServiceSidType;
  checks.compare(type == SERVICE_SID_TYPE_UNRESTRICTED, assumption, std::to_string(type));
}

std::string to_text(const SERVICE_FAILURE_ACTIONSW& failure) {
  std::string text = fmt::format("forgotten after {} s", failure.dwResetPeriod);
  for (DWORD i = 0; i < failure.cActions && failure.lpsaActions != nullptr; ++i) {
    const auto& action = failure.lpsaActions[i];
    text += action.Type == SC_ACTION_RESTART ? fmt::format("; restart after {} s", action.Delay / 1000)
            : action.Type == SC_ACTION_NONE  ? std::string("; nothing")
                                             : fmt::format("; action {}", static_cast<int>(action.Type));
  }
  return text;
}

void check_failure_actions(Checks& checks) {
  const std::string expected = "forgotten after 86400 s; restart after 60 s; restart after 60 s; nothing";
  const Assumption assumption{"recovery of TermService", expected, "rdp-host.md 5, depends on the build"};
  const auto buffer = query(L"TermService", SERVICE_CONFIG_FAILURE_ACTIONS);
  if (!buffer) return checks.failed(assumption, buffer.error());
  const auto found = to_text(*reinterpret_cast<const SERVICE_FAILURE_ACTIONSW*>(buffer->data()));
  checks.compare(found == expected, assumption, found);
}

void check_service_dll(Checks& checks) {
  const Assumption assumption{"TermService's DLL", "termsrv.dll in System32 exists", "rdp-host.md 5, tampering"};
  wchar_t folder[MAX_PATH] = {};
  if (GetSystemDirectoryW(folder, MAX_PATH) == 0) return checks.failed(assumption, last_error("cannot find System32"));
  const auto file = std::filesystem::path(folder) / L"termsrv.dll";
  std::error_code ignored;
  checks.compare(std::filesystem::is_regular_file(file, ignored), assumption, to_utf8(file));
}

}  // namespace

void check_service_settings(v1::SelfTestResponse& all) {
  Checks checks("services", all);
  for (const auto& service : assumed_stock(win32::Win32Registry()).host().services()) {
    if (service.has_account()) check_account(service, checks);
    check_dependencies(service, checks);
    if (service.has_trigger()) check_trigger(service, checks);
  }
  check_sid_type(L"TermService", "rdp-host.md 5", checks);
  // Its key files name this SID, so its token should have it.
  check_sid_type(L"SessionEnv", "measured.md K2, inferred", checks);
  check_failure_actions(checks);
  check_service_dll(checks);
}

}  // namespace rdpmend
