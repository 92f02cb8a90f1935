// The private key of the listener's self-signed certificate: CryptoAPI's machine key container TSSecKeySet1.
//
// Windows keeps it in the file %ProgramData%\Microsoft\Crypto\RSA\MachineKeys\f686aace..._MachineGuid, and who may use
// the key is who may read the file. Wine keeps containers in its registry (HKLM\Software\Wine\Crypto\RSA) and guards
// them with nothing. So the laboratory keeps a stand-in: a file by the documented name that holds the key, which the
// TermService double uses instead of the container. Its access list decides, as on a real host.
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

// Who asks for access.
enum class Account { system, network_service };
// The rights that the access list of a file gives to an account and its groups, by the rules of AccessCheck.
// https://learn.microsoft.com/windows/win32/secauthz/how-dacls-control-access-to-an-object
std::uint32_t granted_rights(const std::wstring& path, Account account);

// As Windows makes them: the folder "Everyone: read and write, this folder only", a key file "SYSTEM full,
// Administrators full, NETWORK SERVICE read".
// https://learn.microsoft.com/troubleshoot/windows-server/remote/internal-error-has-occurred-connecting-remote-machine
inline constexpr std::wstring_view k_stock_key_access = L"D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;NS)";
inline constexpr std::wstring_view k_stock_folder_access = L"D:PAI(A;;FA;;;BA)(A;;0x12019f;;;WD)";
void set_access(const std::wstring& path, std::wstring_view sddl);
std::string access_of(const std::wstring& path);  // SDDL

// A PRIVATEKEYBLOB: https://learn.microsoft.com/windows/win32/seccrypto/private-key-blobs
void write_listener_key(const std::vector<unsigned char>& blob);
std::vector<unsigned char> read_listener_key();  // Empty: there is none.

}  // namespace rdpmend::lab
