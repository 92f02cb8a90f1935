// Folders that the certificate manager needs, and who may do what with them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "agent-lib/host/key_files.hpp"
#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/support/utf8.hpp"
#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/security_descriptor.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/os/platform.hpp"
#include "service/selftest/access_list.hpp"
#include "service/selftest/os_checks.hpp"

namespace rdpmend {

namespace {

using win32::last_error;

constexpr std::string_view k_users = "S-1-5-32-545";

Result<v1::FileSecurity> security_of(const std::filesystem::path& folder) {
  const auto doing = fmt::format("cannot read the access list of {}", to_utf8(folder));
  const win32::UniqueFile handle(CreateFileW(folder.c_str(), READ_CONTROL,
                                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                             OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
  if (!handle) return fail(last_error(doing));
  return win32::read_security(handle.get(), doing);
}

void check_machine_keys(Checks& checks) {
  // The same on every build.
  const auto& row = stock_hosts().front().machine_keys_folder();
  const auto& stock = row.security();
  const Assumption assumption{R"(access list of Crypto\RSA\MachineKeys)", to_text(stock), who_says(row)};
  // default_state_folder is beside Microsoft in ProgramData.
  const auto security =
      security_of(default_state_folder().parent_path() / "Microsoft" / "Crypto" / "RSA" / "MachineKeys");
  if (!security) return checks.failed(assumption, security.error());
  const auto found = differences(stock, *security);
  checks.compare(found.empty(), assumption,
                 found.empty() ? to_text(*security) : fmt::format("{}", fmt::join(found, "; ")));
}

void check_system_drive(Checks& checks) {
  const Assumption assumption{"access list of the system drive's root", "Users read and execute",
                              "rdp-host.md 2.6, community"};
  const auto security = security_of(default_state_folder().root_path());
  if (!security) return checks.failed(assumption, security.error());
  constexpr std::uint32_t k_read_and_execute = FILE_GENERIC_READ | FILE_GENERIC_EXECUTE;
  checks.compare((granted_mask(*security, k_users) & k_read_and_execute) == k_read_and_execute, assumption,
                 to_text(*security));
}

}  // namespace

void check_access_lists(v1::SelfTestResponse& all) {
  Checks checks("access lists", all);
  check_machine_keys(checks);
  check_system_drive(checks);
}

}  // namespace rdpmend
