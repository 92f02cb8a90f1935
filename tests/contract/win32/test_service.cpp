#include "tests/contract/win32/test_service.hpp"

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::contract {
namespace {

struct ScTraits {
  using Raw = SC_HANDLE;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CloseServiceHandle(raw); }
};
using UniqueSc = win32::UniqueHandle<ScTraits>;

SERVICE_STATUS_HANDLE g_status = nullptr;
HANDLE g_stop = nullptr;

void report(DWORD state) {
  SERVICE_STATUS status{};
  status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
  status.dwCurrentState = state;
  status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0U;
  SetServiceStatus(g_status, &status);
}

DWORD WINAPI handle(DWORD control, DWORD, void*, void*) {
  if (control != SERVICE_CONTROL_STOP)
    return control == SERVICE_CONTROL_INTERROGATE ? NO_ERROR : ERROR_CALL_NOT_IMPLEMENTED;
  report(SERVICE_STOP_PENDING);
  SetEvent(g_stop);
  return NO_ERROR;
}

void WINAPI service_main(DWORD, wchar_t**) {
  g_stop = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  // The name does not matter in a process of its own.
  g_status = RegisterServiceCtrlHandlerExW(L"", &handle, nullptr);
  report(SERVICE_START_PENDING);
  report(SERVICE_RUNNING);
  WaitForSingleObject(g_stop, INFINITE);
  report(SERVICE_STOPPED);
}

Status install(SC_HANDLE manager, const wchar_t* name, const wchar_t* needs) {
  std::wstring program(32768, L'\0');
  program.resize(GetModuleFileNameW(nullptr, program.data(), static_cast<DWORD>(program.size())));
  const auto command = L"\"" + program + L"\" --service";
  const UniqueSc service{CreateServiceW(manager, name, name, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                                        SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, command.c_str(), nullptr, nullptr,
                                        needs, nullptr, nullptr)};
  if (service || GetLastError() == ERROR_SERVICE_EXISTS) return {};
  return fail(win32::last_error("cannot make a test service"));
}

}  // namespace

Status install_test_services() {
  const UniqueSc manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS)};
  if (!manager) return fail(win32::last_error("cannot open the service control manager"));
  if (auto made = install(manager.get(), k_base_service, nullptr); !made) return made;
  const auto needs = std::wstring(k_base_service) + L'\0';  // A list that ends with an empty name.
  return install(manager.get(), k_dependent_service, needs.c_str());
}

Status uninstall_test_services() {
  const UniqueSc manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
  if (!manager) return fail(win32::last_error("cannot open the service control manager"));
  for (const auto* name : {k_dependent_service, k_base_service}) {
    const UniqueSc service{OpenServiceW(manager.get(), name, SERVICE_STOP | DELETE)};
    if (!service) continue;
    SERVICE_STATUS status{};
    ControlService(service.get(), SERVICE_CONTROL_STOP, &status);
    if (!DeleteService(service.get())) return fail(win32::last_error("cannot delete a test service"));
  }
  return {};
}

int run_as_service() {
  std::wstring name;
  const SERVICE_TABLE_ENTRYW table[] = {{name.data(), &service_main}, {nullptr, nullptr}};
  return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}

}  // namespace rdpmend::contract
