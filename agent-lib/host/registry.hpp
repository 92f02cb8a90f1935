// HKEY_LOCAL_MACHINE, 64-bit view. Values are read, and written by the one step that may (steps/settings.hpp); keys are
// neither made nor deleted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

using RegistryBinary = std::vector<unsigned char>;
// REG_EXPAND_SZ, unexpanded. As REG_SZ the same text is not expanded by those who read it.
struct ExpandableText {
  std::string text;
  bool operator==(const ExpandableText&) const = default;
};
// REG_DWORD, REG_SZ, REG_BINARY, REG_EXPAND_SZ. Other types are reported as unsupported. A text ends before its first
// NUL.
using RegistryValue = std::variant<std::uint32_t, std::string, RegistryBinary, ExpandableText>;

class Registry {
 public:
  virtual ~Registry() = default;
  // key: below HKEY_LOCAL_MACHINE, "SYSTEM\\CurrentControlSet\\...". nullopt: the key or the value does not exist.
  virtual Result<std::optional<RegistryValue>> value(std::string_view key, std::string_view name) const = 0;
  // Owner and access list of a key. nullopt: the key does not exist. denied: nobody here may read it. unsupported: the
  // list has entries that FileSecurity cannot hold.
  virtual Result<std::optional<v1::FileSecurity>> security(std::string_view key) const = 0;
  // Writes one value of a key that exists, with the type that the value has here. not_found: there is no such key.
  // denied: the key is a symbolic link, which is never followed, or nobody here may write to it.
  virtual Status set(std::string_view key, std::string_view name, const RegistryValue& value) = 0;
  // Deletes one value of a key that exists; a value that is not there counts as deleted. Fails as set() does.
  virtual Status erase(std::string_view key, std::string_view name) = 0;
};

// The keys that more than one fault reads (facts: Terminal Services).
namespace registry_key {
inline constexpr std::string_view k_terminal_server = R"(SYSTEM\CurrentControlSet\Control\Terminal Server)";
inline constexpr std::string_view k_win_stations = R"(SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations)";
inline constexpr std::string_view k_rdp_tcp = R"(SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations\RDP-Tcp)";
inline constexpr std::string_view k_policy = R"(SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services)";
inline constexpr std::string_view k_term_service_parameters =
    R"(SYSTEM\CurrentControlSet\Services\TermService\Parameters)";
// One subkey a certificate below "Certificates" (measured.md section 2).
inline constexpr std::string_view k_remote_desktop_store_key =
    R"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop)";
inline constexpr std::string_view k_winlogon = R"(SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon)";
inline constexpr std::string_view k_current_version = R"(SOFTWARE\Microsoft\Windows NT\CurrentVersion)";
inline constexpr std::string_view k_cryptography = R"(SOFTWARE\Microsoft\Cryptography)";
}  // namespace registry_key

// The Windows build: 17763 is Server 2019, 20348 is Server 2022. nullopt: CurrentBuildNumber does not say.
Result<std::optional<std::uint32_t>> windows_build(const Registry& registry);

// Typed reading; a value of another type is an error of code corrupt. Text is text, expandable or not.
Result<std::optional<std::uint32_t>> read_dword(const Registry& registry, std::string_view key, std::string_view name);
Result<std::optional<std::string>> read_text(const Registry& registry, std::string_view key, std::string_view name);
Result<std::optional<RegistryBinary>> read_binary(const Registry& registry, std::string_view key,
                                                  std::string_view name);

}  // namespace rdpmend
