#include "agent-lib/win32/boot_id.hpp"

#include <array>

#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"
// After os.hpp.
#include <objbase.h>

namespace rdpmend::win32 {

namespace {

// A volatile key is in memory only and gone after a restart. Below SOFTWARE only administrators can make one.
// https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regcreatekeyexw
constexpr wchar_t k_key[] = L"SOFTWARE\\rdpmend boot";
constexpr wchar_t k_value[] = L"id";

using GuidText = std::array<wchar_t, 39>;  // With braces and the NUL.

}  // namespace

std::string boot_id() {
  UniqueKey key;
  if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, k_key, 0, nullptr, REG_OPTION_VOLATILE,
                      KEY_QUERY_VALUE | KEY_SET_VALUE | KEY_WOW64_64KEY, nullptr, key.out(), nullptr) != ERROR_SUCCESS)
    return {};
  GuidText text{};
  DWORD size = sizeof(text);
  if (RegGetValueW(key.get(), nullptr, k_value, RRF_RT_REG_SZ, nullptr, text.data(), &size) == ERROR_SUCCESS)
    return narrow(text.data());
  GUID id{};
  if (FAILED(CoCreateGuid(&id)) || StringFromGUID2(id, text.data(), static_cast<int>(text.size())) == 0) return {};
  const auto status = RegSetValueExW(key.get(), k_value, 0, REG_SZ, reinterpret_cast<const BYTE*>(text.data()),
                                     static_cast<DWORD>(sizeof(text)));
  return status == ERROR_SUCCESS ? narrow(text.data()) : std::string{};
}

}  // namespace rdpmend::win32
