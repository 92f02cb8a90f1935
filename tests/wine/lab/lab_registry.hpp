// HKEY_LOCAL_MACHINE, 64-bit view, as the laboratory's doubles read and write it.
#pragma once

#include <windows.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend::lab {

// The laboratory's own settings, and what it keeps that Wine does not.
inline constexpr std::wstring_view k_lab_key = L"SOFTWARE\\rdpmend-laboratory";

// How the doubles behave where nobody has measured how Windows does: each is off unless `lab.exe behave` names it.
inline constexpr std::wstring_view k_creation_fails = L"CreationFails";
inline constexpr std::wstring_view k_failure_takes_key = L"FailedCreationTakesOldKey";
inline constexpr std::wstring_view k_um_rdp_comes_back = L"UmRdpServiceComesBack";
bool behaves(std::wstring_view how);

// Whether the access list of a key denies SYSTEM anything; and a list that does.
bool denies_system(std::wstring_view path);
void deny_system(std::wstring_view path);

class RegistryKey {
 public:
  // nullopt: there is no such key.
  static std::optional<RegistryKey> open(std::wstring_view path, REGSAM access = KEY_READ);
  static RegistryKey create(std::wstring_view path);  // Throws if it cannot.
  ~RegistryKey();
  RegistryKey(RegistryKey&& other) noexcept : key_(other.key_) { other.key_ = nullptr; }
  RegistryKey& operator=(RegistryKey&&) = delete;

  HKEY get() const { return key_; }
  std::optional<std::uint32_t> dword(std::wstring_view name) const;
  std::optional<std::wstring> text(std::wstring_view name) const;  // REG_SZ and REG_EXPAND_SZ, unexpanded.
  std::optional<std::vector<unsigned char>> binary(std::wstring_view name) const;
  std::vector<std::wstring> value_names() const;

  void set_dword(std::wstring_view name, std::uint32_t value);
  void set_text(std::wstring_view name, std::wstring_view value, DWORD type = REG_SZ);
  void set_binary(std::wstring_view name, const std::vector<unsigned char>& value);
  void erase(std::wstring_view name);

 private:
  explicit RegistryKey(HKEY key) : key_(key) {}
  std::optional<std::vector<unsigned char>> read(std::wstring_view name, DWORD type, DWORD or_type) const;
  void write(std::wstring_view name, DWORD type, const void* data, std::size_t size);

  HKEY key_ = nullptr;
};

}  // namespace rdpmend::lab
