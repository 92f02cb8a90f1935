// https://learn.microsoft.com/windows/win32/secauthz/enabling-and-disabling-privileges-in-c--
#include "agent-lib/win32/privilege.hpp"

#include <cstdlib>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

namespace {

// ERROR_NOT_ALL_ASSIGNED comes with success.
// https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-adjusttokenprivileges
DWORD set_privilege(HANDLE token, const wchar_t* name, DWORD attributes) {
  TOKEN_PRIVILEGES wanted{};
  wanted.PrivilegeCount = 1;
  wanted.Privileges[0].Attributes = attributes;
  if (LookupPrivilegeValueW(nullptr, name, &wanted.Privileges[0].Luid) == FALSE) return GetLastError();
  if (AdjustTokenPrivileges(token, FALSE, &wanted, sizeof(wanted), nullptr, nullptr) == FALSE) return GetLastError();
  return GetLastError();
}

DWORD enable_for_thread(std::initializer_list<const wchar_t*> names) {
  UniqueKernel token;
  if (OpenThreadToken(GetCurrentThread(), TOKEN_ADJUST_PRIVILEGES, TRUE, token.out()) == FALSE) return GetLastError();
  for (const auto* name : names) {
    if (const DWORD code = set_privilege(token.get(), name, SE_PRIVILEGE_ENABLED); code != ERROR_SUCCESS) return code;
  }
  return ERROR_SUCCESS;
}

}  // namespace

Result<EnabledPrivileges> EnabledPrivileges::enable(std::initializer_list<const wchar_t*> names,
                                                    std::string_view doing) {
  if (ImpersonateSelf(SecurityImpersonation) == FALSE) return fail(last_error(doing));
  EnabledPrivileges guard;
  const DWORD code = enable_for_thread(names);
  if (code == ERROR_NOT_ALL_ASSIGNED) return fail(win32_error(doing, ERROR_PRIVILEGE_NOT_HELD));
  if (code != ERROR_SUCCESS) return fail(win32_error(doing, code));
  return guard;
}

// A thread that keeps what it should have given back must not go on.
// https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-reverttoself
EnabledPrivileges::~EnabledPrivileges() {
  if (active_ && RevertToSelf() == FALSE) std::abort();
}

Status disable_privileges(std::initializer_list<const wchar_t*> names) {
  constexpr std::string_view k_doing = "cannot disable the service's privileges";
  UniqueKernel token;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, token.out()) == FALSE) {
    return fail(last_error(k_doing));
  }
  for (const auto* name : names) {
    const DWORD code = set_privilege(token.get(), name, 0);
    if (code != ERROR_SUCCESS && code != ERROR_NOT_ALL_ASSIGNED) return fail(win32_error(k_doing, code));
  }
  return {};
}

}  // namespace rdpmend::win32
