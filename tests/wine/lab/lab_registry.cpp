#include "tests/wine/lab/lab_registry.hpp"

#include <aclapi.h>
#include <sddl.h>

#include <stdexcept>

namespace rdpmend::lab {

namespace {

void must(LSTATUS status, const char* what) {
  if (status != ERROR_SUCCESS) throw std::runtime_error(std::string(what) + ": error " + std::to_string(status));
}

}  // namespace

bool behaves(std::wstring_view how) {
  const auto key = RegistryKey::open(k_lab_key);
  return key && key->dword(how).value_or(0) != 0;
}

bool denies_system(std::wstring_view path) {
  const auto key = RegistryKey::open(path, READ_CONTROL);
  if (!key) return false;
  PACL list = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  must(static_cast<LSTATUS>(GetSecurityInfo(key->get(), SE_REGISTRY_KEY, DACL_SECURITY_INFORMATION, nullptr, nullptr,
                                            &list, nullptr, &descriptor)),
       "cannot read an access list");
  bool denied = false;
  for (DWORD i = 0; list && i < list->AceCount; ++i) {
    void* entry = nullptr;
    if (!GetAce(list, i, &entry)) continue;
    auto* ace = static_cast<ACCESS_DENIED_ACE*>(entry);
    if (ace->Header.AceType == ACCESS_DENIED_ACE_TYPE && IsWellKnownSid(&ace->SidStart, WinLocalSystemSid))
      denied = true;
  }
  LocalFree(descriptor);
  return denied;
}

void deny_system(std::wstring_view path) {
  const auto key = RegistryKey::create(path);
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  // Set value and create subkey; then what keys have.
  constexpr wchar_t k_list[] = L"D:(D;CI;0x6;;;SY)(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;BU)";
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(k_list, SDDL_REVISION_1, &descriptor, nullptr))
    throw std::runtime_error("not an access list");
  const auto status = RegSetKeySecurity(key.get(), DACL_SECURITY_INFORMATION, descriptor);
  LocalFree(descriptor);
  must(status, "cannot set an access list");
}

std::optional<RegistryKey> RegistryKey::open(std::wstring_view path, REGSAM access) {
  HKEY key = nullptr;
  const auto status = RegOpenKeyExW(HKEY_LOCAL_MACHINE, std::wstring(path).c_str(), 0, access | KEY_WOW64_64KEY, &key);
  if (status != ERROR_SUCCESS) return std::nullopt;
  return RegistryKey(key);
}

RegistryKey RegistryKey::create(std::wstring_view path) {
  HKEY key = nullptr;
  must(RegCreateKeyExW(HKEY_LOCAL_MACHINE, std::wstring(path).c_str(), 0, nullptr, 0, KEY_ALL_ACCESS | KEY_WOW64_64KEY,
                       nullptr, &key, nullptr),
       "cannot create a registry key");
  return RegistryKey(key);
}

RegistryKey::~RegistryKey() {
  if (key_) RegCloseKey(key_);
}

std::optional<std::vector<unsigned char>> RegistryKey::read(std::wstring_view name, DWORD type, DWORD or_type) const {
  const std::wstring value(name);
  for (int tries = 0; tries < 8; ++tries) {  // The value may grow in between.
    DWORD found = 0, size = 0;
    if (RegQueryValueExW(key_, value.c_str(), nullptr, &found, nullptr, &size) != ERROR_SUCCESS) return std::nullopt;
    if (found != type && found != or_type) return std::nullopt;
    std::vector<unsigned char> data(size);
    const auto status = RegQueryValueExW(key_, value.c_str(), nullptr, &found, data.data(), &size);
    data.resize(size);
    if (status == ERROR_SUCCESS) return data;
    if (status != ERROR_MORE_DATA) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> RegistryKey::dword(std::wstring_view name) const {
  const auto data = read(name, REG_DWORD, REG_DWORD);
  if (!data || data->size() != 4) return std::nullopt;
  return (*data)[0] | std::uint32_t{(*data)[1]} << 8 | std::uint32_t{(*data)[2]} << 16 |
         std::uint32_t{(*data)[3]} << 24;
}

std::optional<std::wstring> RegistryKey::text(std::wstring_view name) const {
  const auto data = read(name, REG_SZ, REG_EXPAND_SZ);
  if (!data) return std::nullopt;
  std::wstring out(reinterpret_cast<const wchar_t*>(data->data()), data->size() / sizeof(wchar_t));
  while (!out.empty() && out.back() == L'\0') out.pop_back();
  return out;
}

std::optional<std::vector<unsigned char>> RegistryKey::binary(std::wstring_view name) const {
  return read(name, REG_BINARY, REG_BINARY);
}

std::vector<std::wstring> RegistryKey::value_names() const {
  std::vector<std::wstring> names;
  std::wstring name(16384, L'\0');  // The longest that there is.
  for (DWORD index = 0;; ++index) {
    auto length = static_cast<DWORD>(name.size());
    if (RegEnumValueW(key_, index, name.data(), &length, nullptr, nullptr, nullptr, nullptr) != ERROR_SUCCESS) break;
    names.emplace_back(name.data(), length);
  }
  return names;
}

void RegistryKey::write(std::wstring_view name, DWORD type, const void* data, std::size_t size) {
  must(RegSetValueExW(key_, std::wstring(name).c_str(), 0, type, static_cast<const BYTE*>(data),
                      static_cast<DWORD>(size)),
       "cannot write a registry value");
}

void RegistryKey::set_dword(std::wstring_view name, std::uint32_t value) {
  write(name, REG_DWORD, &value, sizeof value);
}

void RegistryKey::set_text(std::wstring_view name, std::wstring_view value, DWORD type) {
  const std::wstring text(value);
  write(name, type, text.c_str(), (text.size() + 1) * sizeof(wchar_t));
}

void RegistryKey::set_binary(std::wstring_view name, const std::vector<unsigned char>& value) {
  write(name, REG_BINARY, value.data(), value.size());
}

void RegistryKey::erase(std::wstring_view name) {
  RegDeleteValueW(key_, std::wstring(name).c_str());
}

}  // namespace rdpmend::lab
