// Machine private key files, below %ProgramData%\Microsoft\Crypto, and who may read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

inline constexpr std::string_view k_machine_keys_folder = R"(RSA\MachineKeys)";  // CryptoAPI's RSA containers.

struct KeyFile {
  v1::FileSecurity security;
  std::uint64_t size = 0;
  bool plain = true;  // false: a reparse point, or more than one hard link. Never touched: links are planted below
                      // folders that everybody may write to.
};

class KeyFiles {
 public:
  virtual ~KeyFiles() = default;
  // nullopt: there is no such file. denied: nobody here may read its access list. unsupported: the list has entries
  // that FileSecurity cannot hold, so it could not be written back.
  virtual Result<std::optional<KeyFile>> find(std::string_view folder, std::string_view file) const = 0;
  // Replaces the DACL of this one file, by handle. Owner and children are not touched.
  virtual Status write_dacl(std::string_view folder, std::string_view file, const v1::FileSecurity& security) = 0;
  // Keeps a copy of the file, with owner and access list, in the service's private folder under this plain name. An
  // older copy of that name is replaced. not_found: there is no such file.
  virtual Status keep(std::string_view folder, std::string_view file, std::string_view kept) = 0;
  // Makes the file what the kept copy is: contents, owner and access list. not_found: no copy is kept.
  virtual Status put_back(std::string_view kept, std::string_view folder, std::string_view file) = 0;

  // What lies in the service's private folder under this plain name since it was moved aside. nullopt: nothing.
  virtual Result<std::optional<KeyFile>> find_aside(std::string_view aside) const = 0;
  // Moves the file into the service's private folder under this plain name, with owner, access list and times; nothing
  // of it is read or copied, and nothing there is ever replaced or deleted. not_found: there is no such file.
  // already_exists: that name is taken. denied: the file is a link, or more than one name leads to it.
  virtual Status move_aside(std::string_view folder, std::string_view file, std::string_view aside) = 0;
  // Moves it back. not_found: nothing lies aside under that name. already_exists: the file's place is taken.
  virtual Status move_back(std::string_view aside, std::string_view folder, std::string_view file) = 0;
};

// The name of the file that holds a CryptoAPI machine key container: MD5 of the lower-case name and a NUL,
// as four little-endian DWORDs, then "_" and the MachineGuid.
std::string machine_key_file_name(std::string_view container, std::string_view machine_guid);

// Well-known SIDs and masks. https://learn.microsoft.com/windows/win32/secauthz/well-known-sids
namespace sid {
inline constexpr std::string_view k_system = "S-1-5-18";
inline constexpr std::string_view k_network_service = "S-1-5-20";
inline constexpr std::string_view k_administrators = "S-1-5-32-544";
inline constexpr std::string_view k_everyone = "S-1-1-0";
// NT SERVICE\SessionEnv, the same on every computer (measured.md K3).
inline constexpr std::string_view k_session_env = "S-1-5-80-4022436659-1090538466-1613889075-870485073-3428993833";
}  // namespace sid
inline constexpr std::uint32_t k_file_all_access = 0x001F01FF;
inline constexpr std::uint32_t k_file_generic_read = 0x00120089;

// The rights that the entries for exactly this SID allow, taken together, and those that they deny, wherever the
// entries stand: hardening tools write a Deny behind an Allow (measured.md 0.1). Group membership is not resolved.
std::uint32_t granted_mask(const v1::FileSecurity& security, std::string_view sid);
std::uint32_t denied_mask(const v1::FileSecurity& security, std::string_view sid);
// All of `needed` is allowed and none of it denied.
bool has_access(const v1::FileSecurity& security, std::string_view sid, std::uint32_t needed);

}  // namespace rdpmend
