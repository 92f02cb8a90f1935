// Privileges that the service's token has but that stay disabled until one call needs them.
#pragma once

#include <initializer_list>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/os.hpp"

namespace rdpmend::win32 {

// Enables privileges by name (SE_BACKUP_NAME) for this thread alone: the process's token, and with it every other
// thread, stays as it is.
// https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-impersonateself
class EnabledPrivileges {
 public:
  // denied: the token does not have one of them.
  static Result<EnabledPrivileges> enable(std::initializer_list<const wchar_t*> names, std::string_view doing);

  EnabledPrivileges(EnabledPrivileges&& other) noexcept : active_(other.active_) { other.active_ = false; }
  EnabledPrivileges& operator=(EnabledPrivileges&&) = delete;
  EnabledPrivileges(const EnabledPrivileges&) = delete;
  EnabledPrivileges& operator=(const EnabledPrivileges&) = delete;
  ~EnabledPrivileges();

 private:
  EnabledPrivileges() = default;
  bool active_ = true;
};

// Of the process, whatever the service control manager has enabled. One that the token does not have is no error.
Status disable_privileges(std::initializer_list<const wchar_t*> names);

}  // namespace rdpmend::win32
