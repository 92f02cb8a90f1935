#include "tests/wine/lab/listener_key.hpp"

#include <windows.h>
//
#include <aclapi.h>
#include <sddl.h>
#include <wincrypt.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "agent-lib/host/registry.hpp"
#include "agent-lib/knowledge/stock_host.hpp"
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

// "(A;;0x120089;;;S-1-5-20)", and so on.
std::wstring to_sddl(const v1::FileSecurity& security) {
  auto text = fmt::format("O:{}D:{}", security.owner_sid(), security.dacl_protected() ? "P" : "");
  for (const auto& ace : security.dacl()) {
    text += fmt::format("({};;{:#x};;;{})", ace.type() == v1::Ace::TYPE_DENY ? "D" : "A", ace.mask(), ace.sid());
  }
  return widen(text);
}

std::uint32_t windows_build() {
  const auto key = RegistryKey::open(widen(registry_key::k_current_version));
  const auto text = key ? key->text(L"CurrentBuildNumber") : std::nullopt;
  if (!text) throw std::runtime_error("the computer has no build number");
  return static_cast<std::uint32_t>(std::stoul(*text));
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

void set_access(const std::wstring& path, std::wstring_view sddl) {
  LocalMemory descriptor;
  BOOL present = FALSE, defaulted = FALSE;
  PACL list = nullptr;
  PSID owner = nullptr;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(std::wstring(sddl).c_str(), SDDL_REVISION_1,
                                                            &descriptor.memory, nullptr) ||
      !GetSecurityDescriptorDacl(descriptor.memory, &present, &list, &defaulted) ||
      !GetSecurityDescriptorOwner(descriptor.memory, &owner, &defaulted))
    throw std::runtime_error("not an access list: " + narrow(sddl));
  const SECURITY_INFORMATION what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
  const auto status =
      SetNamedSecurityInfoW(const_cast<LPWSTR>(path.c_str()), SE_FILE_OBJECT,
                            owner ? what | OWNER_SECURITY_INFORMATION : what, owner, nullptr, list, nullptr);
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
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(path), ignored);
  std::ofstream file(std::filesystem::path(path), std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(blob.data()), static_cast<std::streamsize>(blob.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write the key file");
  set_access(path, to_sddl(stock_key_file_security(windows_build())));
}

void make_stock_folder() {
  std::filesystem::create_directories(std::filesystem::path(machine_keys_folder()));
  set_access(machine_keys_folder(), to_sddl(stock_machine_keys_folder_security()));
}

void remove_listener_key() {
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(listener_key_path()), ignored);
  HCRYPTPROV undefined = 0;
  CryptAcquireContextW(&undefined, std::wstring(k_key_container).c_str(), std::wstring(k_key_provider).c_str(),
                       PROV_RSA_FULL, CRYPT_DELETEKEYSET | CRYPT_MACHINE_KEYSET | CRYPT_SILENT);
}

// A file that may not be opened is there, too.
bool listener_key_is_there() {
  return GetFileAttributesW(listener_key_path().c_str()) != INVALID_FILE_ATTRIBUTES ||
         GetLastError() != ERROR_FILE_NOT_FOUND;
}

bool may_replace_listener_key() {
  const auto path = listener_key_path();
  const HANDLE file = CreateFileW(path.c_str(), FILE_ALL_ACCESS, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                  nullptr, OPEN_EXISTING, 0, nullptr);
  if (file == INVALID_HANDLE_VALUE) return false;
  CloseHandle(file);
  return true;
}

void take_from_listener_key(const std::vector<std::string>& sids) {
  auto security = stock_key_file_security(windows_build());
  for (const auto& sid : sids) {
    const auto& entries = security.dacl();
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& ace) { return ace.sid() == sid; });
    if (found == entries.end()) throw std::runtime_error("the stock list has no entry for " + sid);
    security.mutable_dacl()->erase(found);
  }
  set_access(listener_key_path(), to_sddl(security));
}

std::vector<unsigned char> read_listener_key() {
  std::ifstream file(std::filesystem::path(listener_key_path()), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace rdpmend::lab
