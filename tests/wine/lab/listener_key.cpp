#include "tests/wine/lab/listener_key.hpp"

#include <windows.h>
//
#include <aclapi.h>
#include <sddl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

// MD5 of "tsseckeyset1" and a NUL, as Microsoft's pages name the file.
constexpr std::wstring_view k_file_prefix = L"f686aace6942fb7f7ceb231212eef4a4_";

struct LocalMemory {
  void* memory = nullptr;
  ~LocalMemory() { LocalFree(memory); }
};

// The account, then the groups of its token.
std::vector<std::wstring_view> sids_of(Account account) {
  constexpr std::wstring_view k_everyone = L"S-1-1-0", k_authenticated = L"S-1-5-11";
  if (account == Account::system) return {L"S-1-5-18", L"S-1-5-32-544", k_everyone, k_authenticated};
  return {L"S-1-5-20", L"S-1-5-32-545", L"S-1-5-6", k_everyone, k_authenticated};
}

bool is_one_of(PSID sid, const std::vector<std::wstring_view>& known) {
  LPWSTR text = nullptr;
  if (!ConvertSidToStringSidW(sid, &text)) return false;
  const LocalMemory freed{text};
  return std::find(known.begin(), known.end(), std::wstring_view(text)) != known.end();
}

}  // namespace

std::wstring machine_keys_folder() {
  const auto key = RegistryKey::open(L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList");
  const auto program_data = key ? key->text(L"ProgramData") : std::nullopt;
  std::wstring path(MAX_PATH, L'\0');
  // Its length counts the NUL.
  const auto length = ExpandEnvironmentStringsW(program_data.value_or(L"%SystemDrive%\\ProgramData").c_str(),
                                                path.data(), static_cast<DWORD>(path.size()));
  path.resize(length - 1);
  return path + L"\\Microsoft\\Crypto\\RSA\\MachineKeys";
}

std::wstring listener_key_path() {
  const auto key = RegistryKey::open(L"SOFTWARE\\Microsoft\\Cryptography");
  const auto guid = key ? key->text(L"MachineGuid") : std::nullopt;
  if (!guid) throw std::runtime_error("the computer has no MachineGuid");
  return machine_keys_folder() + L"\\" + std::wstring(k_file_prefix) + *guid;
}

std::uint32_t granted_rights(const std::wstring& path, Account account) {
  PACL list = nullptr;
  LocalMemory descriptor;
  if (GetNamedSecurityInfoW(path.c_str(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr, &list, nullptr,
                            &descriptor.memory) != ERROR_SUCCESS)
    return 0;
  if (!list) return 0xFFFFFFFF;
  const auto sids = sids_of(account);
  std::uint32_t granted = 0, denied = 0;
  for (DWORD i = 0; i < list->AceCount; ++i) {
    void* entry = nullptr;
    if (!GetAce(list, i, &entry)) break;
    const auto* ace = static_cast<const ACCESS_ALLOWED_ACE*>(entry);
    if ((ace->Header.AceFlags & INHERIT_ONLY_ACE) != 0) continue;
    if (!is_one_of(const_cast<DWORD*>(&ace->SidStart), sids)) continue;
    const std::uint32_t undecided = ace->Mask & ~(granted | denied);
    (ace->Header.AceType == ACCESS_DENIED_ACE_TYPE ? denied : granted) |= undecided;
  }
  return granted;
}

void set_access(const std::wstring& path, std::wstring_view sddl) {
  LocalMemory descriptor;
  BOOL present = FALSE, defaulted = FALSE;
  PACL list = nullptr;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(std::wstring(sddl).c_str(), SDDL_REVISION_1,
                                                            &descriptor.memory, nullptr) ||
      !GetSecurityDescriptorDacl(descriptor.memory, &present, &list, &defaulted))
    throw std::runtime_error("not an access list: " + narrow(sddl));
  const auto status = SetNamedSecurityInfoW(const_cast<LPWSTR>(path.c_str()), SE_FILE_OBJECT,
                                            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, nullptr,
                                            nullptr, list, nullptr);
  if (status != ERROR_SUCCESS) throw std::runtime_error("cannot set who may use " + narrow(path));
}

std::string access_of(const std::wstring& path) {
  LocalMemory descriptor, text;
  if (GetNamedSecurityInfoW(path.c_str(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr, nullptr, nullptr,
                            &descriptor.memory) != ERROR_SUCCESS)
    return "none";
  LPWSTR sddl = nullptr;
  if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor.memory, SDDL_REVISION_1,
                                                            DACL_SECURITY_INFORMATION, &sddl, nullptr))
    return "unreadable";
  text.memory = sddl;
  return narrow(sddl);
}

void write_listener_key(const std::vector<unsigned char>& blob) {
  const auto path = listener_key_path();
  std::filesystem::create_directories(std::filesystem::path(machine_keys_folder()));
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(path), ignored);
  forget_file_security(path);
  std::ofstream file(std::filesystem::path(path), std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(blob.data()), static_cast<std::streamsize>(blob.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write the key file");
  set_access(path, k_stock_key_access);
}

std::vector<unsigned char> read_listener_key() {
  std::ifstream file(std::filesystem::path(listener_key_path()), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace rdpmend::lab
