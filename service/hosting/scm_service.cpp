#include "service/hosting/scm_service.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include "agent-lib/support/utf8.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "service/hosting/scm_command_line.hpp"
#include "service/hosting/scm_names.hpp"
#include "service/hosting/scm_settings.hpp"
#include "service/os/platform.hpp"

namespace rdpmend {

namespace {

using namespace std::chrono_literals;
using win32::last_error;

constexpr auto k_stop_within = 30s;     // App::stop takes at most 15 s.
constexpr auto k_deleted_within = 15s;  // A service that is being deleted, until the last handle to it is closed.
constexpr auto k_look_every = 100ms;

// Until done() or the time is over; whether it was done. There is no notification for a deletion, and for a stop only
// one that needs an alertable wait:
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-notifyservicestatuschangew
template <class Done>
bool wait_until(std::chrono::milliseconds within, Done done) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(k_look_every);
  }
  return true;
}

bool is_stopped(SC_HANDLE service) {
  SERVICE_STATUS status{};
  return QueryServiceStatus(service, &status) == 0 || status.dwCurrentState == SERVICE_STOPPED;
}

// A service that is starting accepts no stop yet: asked again until it does.
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-controlservice
void stop(SC_HANDLE service, std::vector<std::string>& warnings) {
  DWORD code = ERROR_SUCCESS;
  const bool stopped = wait_until(k_stop_within, [&] {
    if (is_stopped(service)) return true;
    SERVICE_STATUS status{};
    code = ControlService(service, SERVICE_CONTROL_STOP, &status) != 0 ? ERROR_SUCCESS : GetLastError();
    const bool passes =
        code == ERROR_SUCCESS || code == ERROR_SERVICE_NOT_ACTIVE || code == ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
    return !passes;
  });
  if (stopped && is_stopped(service)) return;
  if (stopped) warnings.push_back(to_string(win32::win32_error("cannot stop service rdpmend", code)));
  if (!stopped) warnings.push_back("service rdpmend did not stop within 30 s; it is gone when its process ends");
}

// Absent in the command line where it is the default one.
Result<std::wstring> command_line(const std::filesystem::path& state) {
  auto program = program_file();
  if (!program) return program;
  return service_command_line(*program, state == default_state_folder() ? std::nullopt : std::optional(state));
}

}  // namespace

Result<std::wstring> program_file() {
  std::wstring name(32768, L'\0');
  const DWORD size = GetModuleFileNameW(nullptr, name.data(), static_cast<DWORD>(name.size()));
  if (size == 0 || size == name.size()) return fail(last_error("cannot find this program's file"));
  name.resize(size);
  return name;
}

Result<ServiceManager> ServiceManager::open() {
  win32::UniqueService handle(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE));
  if (handle) return ServiceManager(std::move(handle));
  auto error = last_error("cannot open the Service Control Manager");
  if (error.code == ErrorCode::denied) error.hint = "Run it from an elevated prompt (Run as administrator).";
  return fail(std::move(error));
}

Result<win32::UniqueService> ServiceManager::find(DWORD access) const {
  win32::UniqueService service(OpenServiceW(handle_.get(), k_service_name, access));
  if (!service && GetLastError() != ERROR_SERVICE_DOES_NOT_EXIST)
    return fail(last_error("cannot open service rdpmend"));
  return service;
}

Result<std::filesystem::path> ServiceManager::state_folder() const {
  const auto service = find(SERVICE_QUERY_CONFIG);
  if (!service) return fail(service.error());
  if (!*service) return default_state_folder();
  // 8 KiB is the most that a configuration takes: winsvc.h, QueryServiceConfig.
  alignas(QUERY_SERVICE_CONFIGW) std::array<std::byte, 8192> buffer{};
  auto* config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer.data());
  DWORD needed = 0;
  if (QueryServiceConfigW(service->get(), config, static_cast<DWORD>(buffer.size()), &needed) == 0)
    return fail(last_error("cannot read the configuration of service rdpmend"));
  return state_in(config->lpBinaryPathName).value_or(default_state_folder());
}

Result<win32::UniqueService> ServiceManager::create(const std::wstring& line) {
  win32::UniqueService service;
  DWORD code = ERROR_SUCCESS;
  // An earlier installation of it may be in the middle of its removal.
  wait_until(k_deleted_within, [&] {
    service.reset(CreateServiceW(handle_.get(), k_service_name, k_service_display_name, SERVICE_ALL_ACCESS,
                                 SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, line.c_str(),
                                 nullptr, nullptr, k_dependencies, nullptr, nullptr));
    code = service ? ERROR_SUCCESS : GetLastError();
    return code != ERROR_SERVICE_MARKED_FOR_DELETE;
  });
  if (service) return service;
  auto error = win32::win32_error("cannot create service rdpmend", code);
  if (code == ERROR_SERVICE_MARKED_FOR_DELETE)
    error.hint = "Close services.msc and whatever else shows services, or restart the computer, and try again.";
  return fail(std::move(error));
}

Result<ServiceManager::Put> ServiceManager::put(const std::filesystem::path& state,
                                                std::vector<std::string>& warnings) {
  const auto line = command_line(state);
  if (!line) return fail(line.error());
  auto service = find(SERVICE_ALL_ACCESS);
  if (!service) return fail(std::move(service).error());
  const auto result = *service ? Put::updated : Put::created;
  if (result == Put::created) {
    service = create(*line);
    if (!service) return fail(std::move(service).error());
  } else if (ChangeServiceConfigW(service->get(), SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                                  line->c_str(), nullptr, nullptr, k_dependencies, L"LocalSystem", nullptr,
                                  k_service_display_name) == 0) {
    if (GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE) return fail(last_error("cannot change service rdpmend"));
    service->reset();  // It would keep alive what is being deleted.
    service = create(*line);
    if (!service) return fail(std::move(service).error());
  }
  if (auto done = apply_settings(service->get(), warnings); !done) return fail(std::move(done).error());
  return result;
}

Result<bool> ServiceManager::remove(std::vector<std::string>& warnings) {
  auto service = find(SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE);
  if (!service) return fail(std::move(service).error());
  if (!*service) return false;
  stop(service->get(), warnings);
  if (DeleteService(service->get()) == 0 && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
    return fail(last_error("cannot delete service rdpmend"));
  return true;
}

}  // namespace rdpmend
