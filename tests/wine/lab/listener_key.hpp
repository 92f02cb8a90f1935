// The private key of the listener's self-signed certificate: CryptoAPI's machine key container TSSecKeySet1.
//
// Windows keeps it in the file %ProgramData%\Microsoft\Crypto\RSA\MachineKeys\f686aace..._MachineGuid, and who may use
// the key is who may read the file. Wine keeps containers in its registry (HKLM\Software\Wine\Crypto\RSA) and guards
// them with nothing. So the laboratory keeps a stand-in: a file by the documented name that holds the key, which the
// TermService double uses instead of the container. Its access list decides, as on a real host (file_security.hpp).
// https://learn.microsoft.com/troubleshoot/windows-server/remote/rdp-error-general-troubleshooting
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend::lab {

inline constexpr std::wstring_view k_key_container = L"TSSecKeySet1";
inline constexpr std::wstring_view k_key_provider = L"Microsoft Enhanced Cryptographic Provider v1.0";

std::wstring machine_keys_folder();
std::wstring listener_key_path();

// The folder as Windows makes it (measured.md K4).
void make_stock_folder();
// The stock list of the key file without the entries of these SIDs: what a hardening script leaves.
void take_from_listener_key(const std::vector<std::string>& sids);
void set_access(const std::wstring& path, std::wstring_view sddl);
std::string access_of(const std::wstring& path);  // SDDL

// A PRIVATEKEYBLOB: https://learn.microsoft.com/windows/win32/seccrypto/private-key-blobs. With the access list that
// Windows of this build gives it (measured.md K2).
void write_listener_key(const std::vector<unsigned char>& blob);
std::vector<unsigned char> read_listener_key();  // Empty: there is none, or not for this account.
void remove_listener_key();                      // And its container.
bool listener_key_is_there();
// Whether this account may do everything with it.
bool may_replace_listener_key();

}  // namespace rdpmend::lab
