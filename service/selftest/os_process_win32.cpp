// Who this process is. What it finds as an administrator may differ from what the service finds as SYSTEM.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/selftest/os_checks.hpp"
// After os.hpp.
#include <sddl.h>

namespace rdpmend {

namespace {

using win32::last_error;
using Buffer = std::vector<std::uint64_t>;

constexpr DWORD k_longest_privilege_name = 256;
// What the service asks the service control manager to leave it (hosting/scm_settings.cpp).
constexpr std::string_view k_needed[] = {"SeBackupPrivilege", "SeChangeNotifyPrivilege", "SeRestorePrivilege",
                                         "SeTakeOwnershipPrivilege"};

Result<Buffer> token_information(TOKEN_INFORMATION_CLASS what) {
  constexpr auto k_doing = "cannot read the process's token";
  win32::UniqueKernel token;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, token.out()) == 0) return fail(last_error(k_doing));
  DWORD size = 0;
  GetTokenInformation(token.get(), what, nullptr, 0, &size);
  Buffer buffer(size / sizeof(std::uint64_t) + 1);
  if (GetTokenInformation(token.get(), what, buffer.data(), static_cast<DWORD>(buffer.size() * sizeof(std::uint64_t)),
                          &size) == 0)
    return fail(last_error(k_doing));
  return buffer;
}

void check_rights(Checks& checks) {
  const Assumption assumption{"rights of this process", "SYSTEM, or an elevated administrator", "the adapters"};
  const auto user = token_information(TokenUser);
  if (!user) return checks.failed(assumption, user.error());
  win32::UniqueHandle<win32::LocalTraits<wchar_t*>> sid;
  if (ConvertSidToStringSidW(reinterpret_cast<const TOKEN_USER*>(user->data())->User.Sid, sid.out()) == 0)
    return checks.failed(assumption, last_error("cannot name the process's user"));
  SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
  PSID administrators = nullptr;
  BOOL is_administrator = FALSE;
  if (AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0,
                               &administrators) != 0) {
    CheckTokenMembership(nullptr, administrators, &is_administrator);
    FreeSid(administrators);
  }
  const auto name = win32::narrow(sid.get());
  checks.compare(is_administrator != FALSE || name == "S-1-5-18", assumption,
                 name + (is_administrator != FALSE ? ", Administrators" : ", no administrator"));
}

std::string name_of(LUID privilege) {
  wchar_t name[k_longest_privilege_name] = {};
  DWORD size = k_longest_privilege_name;
  if (LookupPrivilegeNameW(nullptr, &privilege, name, &size) == 0) return "?";
  return win32::narrow(std::wstring_view(name, size));
}

// Whether they are enabled does not matter: one call at a time enables what it needs.
void check_privileges(Checks& checks) {
  const Assumption assumption{"privileges of this process", fmt::format("{} among them", fmt::join(k_needed, ", ")),
                              "service/README.md, privileges"};
  const auto read = token_information(TokenPrivileges);
  if (!read) return checks.failed(assumption, read.error());
  const auto* privileges = reinterpret_cast<const TOKEN_PRIVILEGES*>(read->data());
  std::set<std::string> held;
  for (DWORD i = 0; i < privileges->PrivilegeCount; ++i) held.insert(name_of(privileges->Privileges[i].Luid));
  const bool all = std::all_of(std::begin(k_needed), std::end(k_needed),
                               [&](std::string_view name) { return held.contains(std::string(name)); });
  checks.compare(all, assumption, held.empty() ? "none" : fmt::format("{}", fmt::join(held, ", ")));
}

}  // namespace

void check_process(v1::SelfTestResponse& all) {
  Checks checks("process", all);
  check_rights(checks);
  check_privileges(checks);
}

}  // namespace rdpmend
