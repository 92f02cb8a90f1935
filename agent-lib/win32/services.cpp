// https://learn.microsoft.com/windows/win32/services/service-configuration-programs
#include "agent-lib/win32/services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "agent-lib/win32/clock.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr int k_max_depth = 16;  // Of services that depend on services.
constexpr std::size_t k_max_dependents = 128;
constexpr DWORD k_max_list_bytes = 256 * 1024;  // What EnumDependentServices gives at most.
constexpr std::size_t k_max_seen = 256;         // Far more than are ever asked for.
constexpr auto k_poll = 100ms;
constexpr auto k_start_again = 5s;

std::string about(std::string_view verb, std::string_view name) {
  return fmt::format("cannot {} service {}", verb, name);
}

Result<UniqueService> open_manager(DWORD rights) {
  UniqueService manager{OpenSCManagerW(nullptr, nullptr, rights)};
  if (!manager) return fail(last_error("cannot open the service control manager"));
  return manager;
}

Result<UniqueService> open_service(std::string_view name, DWORD rights, std::string_view verb) {
  auto manager = open_manager(SC_MANAGER_CONNECT);
  if (!manager) return fail(std::move(manager).error());
  UniqueService service{OpenServiceW(manager->get(), widen(name).c_str(), rights)};
  if (!service) return fail(last_error(about(verb, name)));
  return service;
}

Result<SERVICE_STATUS_PROCESS> query_status(const UniqueService& service, std::string_view name) {
  SERVICE_STATUS_PROCESS status{};
  DWORD needed = 0;
  if (!QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status), sizeof(status),
                            &needed)) {
    return fail(last_error(about("query", name)));
  }
  return status;
}

ServiceRun run_of(DWORD state) {
  switch (state) {
    case SERVICE_STOPPED: return ServiceRun::stopped;
    case SERVICE_START_PENDING: return ServiceRun::start_pending;
    case SERVICE_STOP_PENDING: return ServiceRun::stop_pending;
    case SERVICE_RUNNING: return ServiceRun::running;
    default: return ServiceRun::other;
  }
}

Result<v1::ServiceStartType> query_start_type(const UniqueService& service, std::string_view name) {
  DWORD needed = 0;
  QueryServiceConfigW(service.get(), nullptr, 0, &needed);
  constexpr DWORD k_max_config_bytes = 8192;  // As documented for QueryServiceConfig.
  if (needed == 0 || needed > k_max_config_bytes) needed = k_max_config_bytes;
  std::vector<std::uint64_t> buffer(needed / sizeof(std::uint64_t) + 1);  // Aligned for the structure.
  auto* config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer.data());
  if (!QueryServiceConfigW(service.get(), config, needed, &needed)) return fail(last_error(about("query", name)));
  switch (config->dwStartType) {
    case SERVICE_AUTO_START: return v1::SERVICE_START_TYPE_AUTO;
    case SERVICE_DEMAND_START: return v1::SERVICE_START_TYPE_MANUAL;
    case SERVICE_DISABLED: return v1::SERVICE_START_TYPE_DISABLED;
    default: return v1::SERVICE_START_TYPE_UNSPECIFIED;  // A driver's.
  }
}

// Active services that depend directly on this one, in the order in which they must be stopped: the reverse of their
// start order. https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-enumdependentservicesw
Result<std::vector<std::wstring>> direct_dependents(SC_HANDLE manager, const std::wstring& name) {
  const auto doing = about("list what depends on", narrow(name));
  const UniqueService service{OpenServiceW(manager, name.c_str(), SERVICE_ENUMERATE_DEPENDENTS)};
  if (!service) return fail(last_error(doing));
  DWORD size = 0;
  DWORD count = 0;
  std::vector<std::uint64_t> buffer;
  for (;;) {
    if (EnumDependentServicesW(service.get(), SERVICE_ACTIVE, reinterpret_cast<ENUM_SERVICE_STATUSW*>(buffer.data()),
                               static_cast<DWORD>(buffer.size() * sizeof(std::uint64_t)), &size, &count)) {
      break;
    }
    if (GetLastError() != ERROR_MORE_DATA) return fail(last_error(doing));
    if (size > k_max_list_bytes) return fail(ErrorCode::exhausted, doing + ": there are too many");
    buffer.resize(size / sizeof(std::uint64_t) + 1);
  }
  std::vector<std::wstring> names;
  const auto* entries = reinterpret_cast<const ENUM_SERVICE_STATUSW*>(buffer.data());
  for (DWORD i = 0; i < count; ++i) names.emplace_back(entries[i].lpServiceName);
  return names;
}

// What depends on a dependent is stopped before it. Windows may have listed it already: then it is known.
Status add_dependents(SC_HANDLE manager, const std::wstring& name, int depth, std::vector<std::wstring>& all) {
  if (depth > k_max_depth) return fail(ErrorCode::exhausted, "services depend on services without end");
  auto direct = direct_dependents(manager, name);
  if (!direct) return fail(std::move(direct).error());
  for (const auto& dependent : *direct) {
    if (auto added = add_dependents(manager, dependent, depth + 1, all); !added) return added;
    const bool known = std::any_of(all.begin(), all.end(), [&](const auto& one) { return same_name(one, dependent); });
    if (known) continue;
    if (all.size() == k_max_dependents) return fail(ErrorCode::exhausted, "too many services depend on it");
    all.push_back(dependent);
  }
  return {};
}

Result<std::vector<std::string>> running_dependents(std::string_view name) {
  auto manager = open_manager(SC_MANAGER_CONNECT);
  if (!manager) return fail(std::move(manager).error());
  std::vector<std::wstring> all;
  if (auto added = add_dependents(manager->get(), widen(name), 0, all); !added) return fail(std::move(added).error());
  std::vector<std::string> names;
  for (const auto& one : all) names.push_back(narrow(one));
  return names;
}

void pause(Duration time, steady_clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
  Sleep(static_cast<DWORD>(std::clamp<std::int64_t>(left.count(), 1, time / 1ms)));
}

// Asks again until `settled` says so of its state, or the time is over. The documented interval is a tenth of the wait
// hint, but hints are often wrong and a repair waits for this: a query every 100 ms is cheap.
// https://learn.microsoft.com/windows/win32/services/starting-a-service
template <class Predicate>
Result<SERVICE_STATUS_PROCESS> wait_until(const UniqueService& service, std::string_view name,
                                          steady_clock::time_point until, Predicate settled) {
  for (;;) {
    auto status = query_status(service, name);
    if (!status || settled(status->dwCurrentState) || steady_clock::now() >= until) return status;
    pause(k_poll, until);
  }
}

Error not_in_time(std::string_view name, std::string_view verb) {
  return {ErrorCode::timeout, fmt::format("service {} does not {}", name, verb),
          "It is left alone; restart the computer if it never does.", OsError{"win32", ERROR_SERVICE_REQUEST_TIMEOUT}};
}

// Why a service that was started is stopped again.
Error ended(std::string_view name, const SERVICE_STATUS_PROCESS& status) {
  const auto doing = fmt::format("service {} stopped while it was starting", name);
  if (status.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR) {
    return {ErrorCode::unavailable, fmt::format("{} with its own error {}", doing, status.dwServiceSpecificExitCode),
            "Look for its errors in the System event log.", OsError{"win32", ERROR_SERVICE_SPECIFIC_ERROR}};
  }
  if (status.dwWin32ExitCode != NO_ERROR) return win32_error(doing, status.dwWin32ExitCode);
  return {ErrorCode::unavailable, doing, "Look for its errors in the System event log.", std::nullopt};
}

// "A call to StartService blocks for 30 seconds if any service is busy handling a control code", and then fails with
// ERROR_SERVICE_REQUEST_TIMEOUT. Not at once again: a program that ends before it becomes a service fails so, too.
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-startservicew
Status ask_to_start(const UniqueService& service, std::string_view name, steady_clock::time_point until) {
  while (!StartServiceW(service.get(), 0, nullptr)) {
    const auto code = GetLastError();
    if (code == ERROR_SERVICE_ALREADY_RUNNING) break;
    if (code != ERROR_SERVICE_REQUEST_TIMEOUT || steady_clock::now() + k_start_again >= until) {
      return fail(win32_error(about("start", name), code));
    }
    pause(k_start_again, until);
  }
  return {};
}

// The same 30 s and the same error, whichever service is busy; whether this one stops, its state tells.
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-controlservice
Status ask_to_stop(const UniqueService& service, std::string_view name) {
  SERVICE_STATUS ignored{};
  if (ControlService(service.get(), SERVICE_CONTROL_STOP, &ignored)) return {};
  const auto code = GetLastError();
  if (code == ERROR_SERVICE_NOT_ACTIVE || code == ERROR_SERVICE_REQUEST_TIMEOUT) return {};
  return fail(win32_error(about("stop", name), code));
}

}  // namespace

Result<std::optional<ServiceInfo>> Win32Services::find(std::string_view name) const {
  const auto service = open_service(name, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS, "query");
  if (!service) {
    if (service.error().code == ErrorCode::not_found) return std::nullopt;
    return fail(service.error());
  }
  const auto status = query_status(*service, name);
  if (!status) return fail(status.error());
  const auto start_type = query_start_type(*service, name);
  if (!start_type) return fail(start_type.error());
  auto dependents = running_dependents(name);
  if (!dependents) return fail(std::move(dependents).error());

  ServiceInfo info{.run = run_of(status->dwCurrentState),
                   .start_type = *start_type,
                   .pid = status->dwProcessId,
                   .running_for = {},
                   .running_dependents = std::move(*dependents)};
  info.running_for = running_for(name, info);
  return info;
}

// The SCM does not say since when a service runs, and its process may be many services' and older. So it is what we
// have seen of it, on a clock that nobody sets and that stands while the host sleeps, as the services' own waits do.
std::optional<Duration> Win32Services::running_for(std::string_view name, const ServiceInfo& info) const {
  if (info.run != ServiceRun::running) {
    forget(name);
    return std::nullopt;
  }
  const std::scoped_lock lock(mutex_);
  const auto now = awake_time();
  const auto found = seen_.find(name);
  if (found != seen_.end() && found->second.pid == info.pid) return now - found->second.since;
  if (found == seen_.end() && seen_.size() == k_max_seen) return std::nullopt;
  seen_.insert_or_assign(std::string(name), Seen{info.pid, now});
  return Duration::zero();
}

void Win32Services::forget(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = seen_.find(name);
  if (found != seen_.end()) seen_.erase(found);
}

Status Win32Services::start(std::string_view name, Duration deadline) {
  const auto until = steady_clock::now() + deadline;
  const auto service = open_service(name, SERVICE_START | SERVICE_QUERY_STATUS, "start");
  if (!service) return fail(service.error());
  auto status = wait_until(*service, name, until, [](DWORD state) { return state != SERVICE_STOP_PENDING; });
  if (!status) return fail(std::move(status).error());
  if (status->dwCurrentState == SERVICE_STOP_PENDING) return fail(not_in_time(name, "stop"));

  if (auto asked = ask_to_start(*service, name, until); !asked) return asked;
  status = wait_until(*service, name, until, [](DWORD state) { return state != SERVICE_START_PENDING; });
  if (!status) return fail(std::move(status).error());
  switch (status->dwCurrentState) {
    case SERVICE_RUNNING: return {};
    case SERVICE_START_PENDING: return fail(not_in_time(name, "start"));
    default: return fail(ended(name, *status));
  }
}

Status Win32Services::stop(std::string_view name, Duration deadline) {
  const auto until = steady_clock::now() + deadline;
  const auto service = open_service(name, SERVICE_STOP | SERVICE_QUERY_STATUS, "stop");
  if (!service) return fail(service.error());
  forget(name);  // Started again, it may be in the same process.
  const auto dependents = running_dependents(name);
  if (!dependents) return fail(dependents.error());
  if (!dependents->empty()) {
    return fail({ErrorCode::conflict,
                 fmt::format("service {} cannot stop: {} depends on it and runs", name, dependents->front()),
                 "Stop its dependents first.", OsError{"win32", ERROR_DEPENDENT_SERVICES_RUNNING}});
  }
  auto status = wait_until(*service, name, until, [](DWORD state) { return state != SERVICE_START_PENDING; });
  if (!status) return fail(std::move(status).error());
  if (status->dwCurrentState != SERVICE_STOP_PENDING) {
    if (auto asked = ask_to_stop(*service, name); !asked) return asked;
  }
  status = wait_until(*service, name, until, [](DWORD state) { return state == SERVICE_STOPPED; });
  if (!status) return fail(std::move(status).error());
  if (status->dwCurrentState != SERVICE_STOPPED) return fail(not_in_time(name, "stop"));
  return {};
}

Status Win32Services::set_start_type(std::string_view name, v1::ServiceStartType type) {
  if (type == v1::SERVICE_START_TYPE_UNSPECIFIED) {
    return fail(ErrorCode::invalid_argument, about("change", name) + ": no start type is given");
  }
  const auto service = open_service(name, SERVICE_CHANGE_CONFIG, "change");
  if (!service) return fail(service.error());
  // The message's values are those of SERVICE_*_START.
  if (!ChangeServiceConfigW(service->get(), SERVICE_NO_CHANGE, static_cast<DWORD>(type), SERVICE_NO_CHANGE, nullptr,
                            nullptr, nullptr, nullptr, nullptr, nullptr, nullptr)) {
    return fail(last_error(about("change the start type of", name)));
  }
  return {};
}

}  // namespace rdpmend::win32
