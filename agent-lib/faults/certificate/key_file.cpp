#include "agent-lib/faults/certificate/key_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend::faults::certificate {

namespace {

std::string path_of(const RdpKeyFile& key) {
  return fmt::format("%ProgramData%\\Microsoft\\Crypto\\{}\\{}", k_machine_keys_folder, key.file);
}

// The stock entries that the list lacks. An account that is denied is left to a human.
std::vector<v1::Ace> missing_entries(const v1::FileSecurity& security, const v1::FileSecurity& stock) {
  std::vector<v1::Ace> missing;
  for (const auto& ace : stock.dacl()) {
    if ((granted_mask(security, ace.sid()) & ace.mask()) != ace.mask()) missing.push_back(ace);
  }
  return missing;
}

}  // namespace

std::string RdpKeyFile::name() const {
  return fmt::format("key file of {} ({})", k_listener_container, file);
}

Result<RdpKeyFile> read_rdp_key_file(const HostView& host) {
  const auto guid = read_text(host.registry, registry_key::k_cryptography, "MachineGuid");
  if (!guid) return fail(guid.error());
  if (!*guid) return fail(ErrorCode::not_found, "HKLM\\SOFTWARE\\Microsoft\\Cryptography\\MachineGuid is missing");
  RdpKeyFile key;
  key.file = machine_key_file_name(k_listener_container, **guid);
  auto found = host.key_files.find(k_machine_keys_folder, key.file);
  if (!found) {
    const auto code = found.error().code;
    if (code != ErrorCode::denied && code != ErrorCode::unsupported) return fail(std::move(found).error());
    key.present = true;
    key.unknown = found.error().what;
    return key;
  }
  if (!*found) return key;
  key.present = true;
  key.state = std::move(**found);
  const auto build = windows_build(host.registry);
  if (!build) return fail(build.error());
  auto stock = stock_key_file_security(build->value_or(0));
  // Which third entry a build has is known only if the build is.
  if (!*build) stock.mutable_dacl()->RemoveLast();
  key.missing = missing_entries(key.state.security, stock);
  return key;
}

bool add_obstacles(const RdpKeyFile& key, Case& found) {
  if (!key.present) return false;
  if (!key.unknown.empty()) {
    found.saw(key.name(), key.unknown, "an access list that SYSTEM may read", "its access list")
        .advises(fmt::format("{}. Find out who changed {}, take ownership of it as an administrator, and leave plain "
                             "entries: SYSTEM full, NETWORK SERVICE read.",
                             key.unknown, path_of(key)));
    return true;
  }
  if (!key.state.plain) {
    found.saw(key.name(), "a link", "a plain file", "the file system")
        .advises(
            fmt::format("{} is a link, which may have been planted. Look into it before anything else.", path_of(key)));
    return true;
  }
  bool any = false;
  for (const auto who : {sid::k_network_service, sid::k_system}) {
    if (!key.denies(who)) continue;
    any = true;
    found.saw(key.name(), fmt::format("an entry denies access to {}", who), "none", "its access list")
        .advises(fmt::format("Somebody denied {} the listener's key on purpose or by a hardening tool. If it was not "
                             "meant: icacls \"{}\" /remove:d *{}",
                             who, path_of(key), who));
  }
  return any;
}

void add_access(const RdpKeyFile& key, PlanDraft& plan) {
  if (!key.present || !key.unknown.empty()) return;  // The diagnosis says what to do.
  if (key.missing.empty()) {
    plan.reads(fmt::format("access to the {}: as Windows ships it", key.name()));
    return;
  }
  plan.step(grant_key_file_access(k_machine_keys_folder, key.file, key.missing),
            "TermService (NETWORK SERVICE) cannot use a key that it cannot read, and SessionEnv (SYSTEM) cannot "
            "replace one that it cannot open.");
}

}  // namespace rdpmend::faults::certificate
