#include "tests/wine/lab/access_check.hpp"

#include <sddl.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend::lab {

namespace {

constexpr std::wstring_view k_administrators = L"S-1-5-32-544";

// The account, then the groups of its token.
std::vector<std::wstring_view> sids_of(Account account) {
  constexpr std::wstring_view k_everyone = L"S-1-1-0", k_authenticated = L"S-1-5-11";
  if (account == Account::system) return {L"S-1-5-18", k_administrators, k_everyone, k_authenticated};
  return {L"S-1-5-20", L"S-1-5-32-545", L"S-1-5-6", k_everyone, k_authenticated};
}

bool is_one_of(PSID sid, const std::vector<std::wstring_view>& known) {
  LPWSTR text = nullptr;
  if (!sid || !ConvertSidToStringSidW(sid, &text)) return false;
  const bool found = std::find(known.begin(), known.end(), std::wstring_view(text)) != known.end();
  LocalFree(text);
  return found;
}

DWORD rights_in(PACL list, const std::vector<std::wstring_view>& sids) {
  if (!list) return 0xFFFFFFFF;
  DWORD granted = 0, denied = 0;
  for (DWORD i = 0; i < list->AceCount; ++i) {
    void* entry = nullptr;
    if (!GetAce(list, i, &entry)) break;
    const auto* ace = static_cast<const ACCESS_ALLOWED_ACE*>(entry);
    if ((ace->Header.AceFlags & INHERIT_ONLY_ACE) != 0) continue;
    if (!is_one_of(const_cast<DWORD*>(&ace->SidStart), sids)) continue;
    const DWORD undecided = ace->Mask & ~(granted | denied);
    (ace->Header.AceType == ACCESS_DENIED_ACE_TYPE ? denied : granted) |= undecided;
  }
  return granted;
}

DWORD rights_by_list(PSECURITY_DESCRIPTOR descriptor, const std::vector<std::wstring_view>& sids) {
  PACL list = nullptr;
  BOOL present = FALSE, defaulted = FALSE;
  if (!GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted)) return 0;
  return rights_in(present ? list : nullptr, sids);
}

// Of the thread, if it has a token of its own.
bool is_enabled(const wchar_t* name) {
  HANDLE token = nullptr;
  if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token) &&
      !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
    return false;
  PRIVILEGE_SET wanted{1, PRIVILEGE_SET_ALL_NECESSARY, {}};
  BOOL held = FALSE;
  const bool asked = LookupPrivilegeValueW(nullptr, name, &wanted.Privilege[0].Luid) != FALSE &&
                     PrivilegeCheck(token, &wanted, &held) != FALSE;
  CloseHandle(token);
  return asked && held;
}

}  // namespace

DWORD granted_rights(Account account, PSECURITY_DESCRIPTOR file, PSECURITY_DESCRIPTOR folder) {
  const auto sids = sids_of(account);
  DWORD rights = rights_by_list(file, sids);
  PSID owner = nullptr;
  BOOL defaulted = FALSE;
  if (GetSecurityDescriptorOwner(file, &owner, &defaulted) && is_one_of(owner, sids))
    rights |= READ_CONTROL | WRITE_DAC;
  const DWORD in_folder = folder ? rights_by_list(folder, sids) : 0xFFFFFFFF;
  if (in_folder & FILE_LIST_DIRECTORY) rights |= FILE_READ_ATTRIBUTES;
  if (in_folder & FILE_DELETE_CHILD) rights |= DELETE;
  return rights;
}

DWORD rights_by_privilege() {
  DWORD rights = 0;
  if (is_enabled(SE_BACKUP_NAME)) rights |= FILE_GENERIC_READ | FILE_TRAVERSE;
  if (is_enabled(SE_RESTORE_NAME)) rights |= FILE_GENERIC_WRITE | DELETE | WRITE_DAC | WRITE_OWNER;
  return rights;
}

bool may_own(Account account, PSID owner) {
  const auto sids = sids_of(account);
  const bool own =
      is_one_of(owner, {sids.front()}) || (account == Account::system && is_one_of(owner, {k_administrators}));
  return own || is_enabled(SE_RESTORE_NAME);
}

}  // namespace rdpmend::lab
