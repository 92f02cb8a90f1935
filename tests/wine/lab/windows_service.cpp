#include "tests/wine/lab/windows_service.hpp"

#include <cstdio>
#include <vector>

#include "agent-lib/sim/sim_events.hpp"
#include "tests/wine/lab/lab_log.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

// ServiceMain has no context of its own.
struct Running {
  std::wstring name;
  std::function<void(HANDLE)> body;
  HANDLE stop = nullptr;
  SERVICE_STATUS_HANDLE status = nullptr;
};
Running running;

void report(DWORD state, DWORD exit_code = NO_ERROR) {
  SERVICE_STATUS status{};
  status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
  status.dwCurrentState = state;
  status.dwWin32ExitCode = exit_code;
  if (state == SERVICE_RUNNING) status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN;
  if (state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING) status.dwWaitHint = 10'000;
  SetServiceStatus(running.status, &status);
}

void log_state(bool runs) {
  const auto name = narrow(running.name);
  log_event(sim::events::service_entered_state(name, name, runs));
}

DWORD WINAPI handle_control(DWORD control, DWORD, void*, void*) {
  if (control == SERVICE_CONTROL_INTERROGATE) return NO_ERROR;
  if (control != SERVICE_CONTROL_STOP && control != SERVICE_CONTROL_SHUTDOWN) return ERROR_CALL_NOT_IMPLEMENTED;
  report(SERVICE_STOP_PENDING);
  SetEvent(running.stop);
  return NO_ERROR;
}

void WINAPI service_main(DWORD, LPWSTR*) {
  running.status = RegisterServiceCtrlHandlerExW(running.name.c_str(), handle_control, nullptr);
  report(SERVICE_START_PENDING);
  report(SERVICE_RUNNING);
  DWORD exit_code = NO_ERROR;
  try {
    log_state(true);
    running.body(running.stop);
    log_state(false);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", narrow(running.name).c_str(), error.what());
    exit_code = ERROR_EXCEPTION_IN_SERVICE;
  }
  report(SERVICE_STOPPED, exit_code);
}

}  // namespace

int run_service(const std::wstring& name, std::function<void(HANDLE stop)> body) {
  running.name = name;
  running.body = std::move(body);
  running.stop = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  SERVICE_TABLE_ENTRYW table[] = {{running.name.data(), service_main}, {nullptr, nullptr}};
  return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}

bool service_is_disabled(const std::wstring& name) {
  const SC_HANDLE manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT);
  const SC_HANDLE service = manager ? OpenServiceW(manager, name.c_str(), SERVICE_QUERY_CONFIG) : nullptr;
  std::vector<std::uint64_t> buffer(1024);
  auto* config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer.data());
  DWORD needed = 0;
  const bool read = service && QueryServiceConfigW(service, config, static_cast<DWORD>(buffer.size() * 8), &needed);
  const bool disabled = !read || config->dwStartType == SERVICE_DISABLED;
  if (service) CloseServiceHandle(service);
  if (manager) CloseServiceHandle(manager);
  return disabled;
}

void ask_to_start(const std::wstring& name) {
  const SC_HANDLE manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT);
  const SC_HANDLE service = manager ? OpenServiceW(manager, name.c_str(), SERVICE_START) : nullptr;
  if (service) StartServiceW(service, 0, nullptr);
  if (service) CloseServiceHandle(service);
  if (manager) CloseServiceHandle(manager);
}

}  // namespace rdpmend::lab
