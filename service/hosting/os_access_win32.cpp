// Folders and registry keys that the certificate manager needs, and who may do what with them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agent-lib/host/key_files.hpp"
#include "agent-lib/support/utf8.hpp"
#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/security_descriptor.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/hosting/os_checks.hpp"
#include "service/hosting/platform.hpp"

namespace rdpmend {

namespace {

using win32::last_error;

constexpr std::string_view k_everyone = "S-1-1-0";
constexpr std::string_view k_users = "S-1-5-32-545";

Result<v1::FileSecurity> security_of(const std::filesystem::path& folder) {
  const auto doing = fmt::format("cannot read the access list of {}", to_utf8(folder));
  const win32::UniqueFile handle(CreateFileW(folder.c_str(), READ_CONTROL,
                                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                             OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
  if (!handle) return fail(last_error(doing));
  return win32::read_security(handle.get(), doing);
}

std::string to_text(const v1::FileSecurity& security) {
  std::string text = security.dacl_protected() ? "protected" : "inheriting";
  for (const auto& ace : security.dacl()) {
    text += fmt::format("; {} {} {:#010x} flags {:#x}", ace.type() == v1::Ace::TYPE_DENY ? "deny" : "allow", ace.sid(),
                        ace.mask(), ace.flags());
  }
  return text;
}

void check_machine_keys(Findings& findings) {
  const Assumption assumption{R"(access list of Crypto\RSA\MachineKeys)",
                              "Administrators full; Everyone read and write; this folder only", "rdp-host.md 2.6"};
  // default_state_folder is beside Microsoft in ProgramData.
  const auto security =
      security_of(default_state_folder().parent_path() / "Microsoft" / "Crypto" / "RSA" / "MachineKeys");
  if (!security) return findings.failed(assumption, security.error());
  constexpr std::uint32_t k_read_and_write = FILE_GENERIC_READ | FILE_WRITE_DATA;
  const bool as_assumed = granted_mask(*security, sid::k_administrators) == k_file_all_access &&
                          (granted_mask(*security, k_everyone) & k_read_and_write) == k_read_and_write &&
                          std::none_of(security->dacl().begin(), security->dacl().end(), [](const v1::Ace& ace) {
                            return (ace.flags() & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE)) != 0;
                          });
  findings.compare(as_assumed, assumption, to_text(*security));
}

void check_system_drive(Findings& findings) {
  const Assumption assumption{"access list of the system drive's root", "Users read and execute",
                              "rdp-host.md 2.6, community"};
  const auto security = security_of(default_state_folder().root_path());
  if (!security) return findings.failed(assumption, security.error());
  constexpr std::uint32_t k_read_and_execute = FILE_GENERIC_READ | FILE_GENERIC_EXECUTE;
  findings.compare((granted_mask(*security, k_users) & k_read_and_execute) == k_read_and_execute, assumption,
                   to_text(*security));
}

// Opened for writing, and closed again: nothing is written.
void check_store_key(Findings& findings) {
  const Assumption assumption{R"(HKLM\SOFTWARE\Microsoft\SystemCertificates\Remote Desktop)", "can be written by us",
                              "rdp-host.md 2.6, 7.2"};
  win32::UniqueKey key;
  const LSTATUS code = RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\SystemCertificates\\Remote Desktop", 0,
                                     KEY_READ | KEY_WRITE | KEY_WOW64_64KEY, key.out());
  if (code == ERROR_SUCCESS) return findings.holds(assumption, "it opens for writing");
  findings.failed(assumption, win32::win32_error("cannot open it for writing", static_cast<DWORD>(code)));
}

}  // namespace

void check_access_lists(std::vector<Finding>& all) {
  Findings findings("access lists");
  check_machine_keys(findings);
  check_system_drive(findings);
  check_store_key(findings);
  append(all, std::move(findings));
}

}  // namespace rdpmend
