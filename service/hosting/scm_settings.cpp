// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-changeserviceconfig2w
#include "service/hosting/scm_settings.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <string>
#include <string_view>

#include "agent-lib/win32/os_error.hpp"
#include "service/hosting/scm_names.hpp"

namespace rdpmend {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A list like k_dependencies. Windows takes every other privilege away from the service's token. What the service does
// it may do because it is SYSTEM; what an access list that somebody has damaged shuts even SYSTEM out of needs the
// other three. They stay disabled until one call needs them (agent-lib/win32/privilege.hpp).
constexpr wchar_t k_privileges[] =
    L"SeChangeNotifyPrivilege\0SeTakeOwnershipPrivilege\0SeRestorePrivilege\0SeBackupPrivilege\0";

constexpr DWORD in_milliseconds(milliseconds time) {
  return static_cast<DWORD>(time.count());
}

// One level of ChangeServiceConfig2.
Status set(SC_HANDLE service, DWORD level, void* value, std::string_view what, std::vector<std::string>& warnings) {
  if (ChangeServiceConfig2W(service, level, value) != 0) return {};
  const DWORD code = GetLastError();
  const bool unknown_here =
      code == ERROR_CALL_NOT_IMPLEMENTED || code == ERROR_INVALID_LEVEL || code == ERROR_NOT_SUPPORTED;
  if (!unknown_here) return fail(win32::win32_error(fmt::format("cannot set {} of service rdpmend", what), code));
  warnings.push_back(fmt::format("this Windows does not know {} of a service: not set (win32 {})", what, code));
  return {};
}

}  // namespace

Status apply_settings(SC_HANDLE service, std::vector<std::string>& warnings) {
  std::wstring text = k_service_description;
  SERVICE_DESCRIPTIONW description{text.data()};

  // Crashes and failed starts: soon, then with patience. The last action is repeated for as long as it fails.
  SC_ACTION actions[] = {{SC_ACTION_RESTART, in_milliseconds(seconds{5})},
                         {SC_ACTION_RESTART, in_milliseconds(seconds{60})},
                         {SC_ACTION_RESTART, in_milliseconds(seconds{300})}};
  constexpr DWORD k_forget_failures_after_s = 86'400;
  SERVICE_FAILURE_ACTIONSW failure{k_forget_failures_after_s, nullptr, nullptr, 3, actions};
  SERVICE_FAILURE_ACTIONS_FLAG also_exit_codes{TRUE};

  // App::stop ends within 15 s.
  SERVICE_PRESHUTDOWN_INFO preshutdown{in_milliseconds(seconds{20})};
  SERVICE_SID_INFO sid{SERVICE_SID_TYPE_UNRESTRICTED};
  SERVICE_DELAYED_AUTO_START_INFO at_once{FALSE};
  std::wstring rights(k_privileges, std::size(k_privileges));
  SERVICE_REQUIRED_PRIVILEGES_INFOW privileges{rights.data()};

  const struct {
    DWORD level;
    void* value;
    std::string_view what;
  } settings[] = {
      {SERVICE_CONFIG_DESCRIPTION, &description, "the description"},
      {SERVICE_CONFIG_FAILURE_ACTIONS, &failure, "the recovery after a failure"},
      {SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_exit_codes, "the recovery after a non-zero exit code"},
      {SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown, "the time to stop before a shutdown"},
      {SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &at_once, "the start with Windows without delay"},
      {SERVICE_CONFIG_SERVICE_SID_INFO, &sid, "the service SID"},
      {SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &privileges, "the privileges"},
  };
  for (const auto& setting : settings) {
    if (auto done = set(service, setting.level, setting.value, setting.what, warnings); !done) return done;
  }
  return {};
}

}  // namespace rdpmend
