// Everything durable of the host as sorted lines, so that a test can say: it is as it was. Each line is "what = value"
// and says one fact, so that whoever changed one fact of a service, a rule or a file is not taken for having changed
// the others.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agent-lib/sim/consequences.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend::sim {

namespace {

std::string text_of(const RegistryValue& value) {
  if (const auto* number = std::get_if<std::uint32_t>(&value)) return fmt::format("dword {:#x}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("text {}", *text);
  if (const auto* text = std::get_if<ExpandableText>(&value)) return fmt::format("expandable text {}", text->text);
  return fmt::format("binary {}", to_hex(std::get<RegistryBinary>(value)));
}

std::string text_of(const v1::FileSecurity& security) {
  if (security.dacl_absent()) return fmt::format("owner {}, no DACL", security.owner_sid());
  std::vector<std::string> entries;
  for (const auto& ace : security.dacl()) {
    entries.push_back(fmt::format("{} {} {:#x} {:#x}", ace.type() == v1::Ace::TYPE_DENY ? "deny" : "allow", ace.sid(),
                                  ace.mask(), ace.flags()));
  }
  return fmt::format("owner {}{} [{}]", security.owner_sid(), security.dacl_protected() ? ", protected" : "",
                     fmt::join(entries, "; "));
}

std::string_view text_of(ServiceRun run) {
  switch (run) {
    case ServiceRun::stopped: return "stopped";
    case ServiceRun::start_pending: return "start pending";
    case ServiceRun::stop_pending: return "stop pending";
    case ServiceRun::running: return "running";
    case ServiceRun::other: break;
  }
  return "other";
}

void add(std::vector<std::string>& lines, const std::string& name, const SimKeyFile& file) {
  lines.push_back(fmt::format("key file {} key = generation {}", name, file.generation));
  lines.push_back(fmt::format("key file {} access = {}", name, text_of(file.security)));
}

}  // namespace

std::string fingerprint(const World& world) {
  std::vector<std::string> lines;
  for (const auto& [name, entry] : world.registry) {
    lines.push_back(fmt::format("registry {}\\{} = {}", entry.key, entry.name, text_of(entry.value)));
  }
  for (const auto& [store, certificates] : world.stores) {
    for (const auto& [sha1, entry] : certificates) {
      lines.push_back(fmt::format("certificate {} {} = key {} of {}", store, sha1, entry.certificate.key_container,
                                  entry.certificate.key_provider));
    }
  }
  for (const auto& [name, file] : world.key_files) add(lines, fmt::format("{}\\{}", name.first, name.second), file);
  for (const auto& [name, file] : world.keys_aside) add(lines, "aside " + name, file);
  for (const auto& [name, service] : world.services) {
    lines.push_back(fmt::format("service {} run = {}", service.name, text_of(service.run)));
    lines.push_back(
        fmt::format("service {} start type = {}", service.name, v1::ServiceStartType_Name(service.start_type)));
  }
  for (const auto& rule : world.firewall.rules) {
    const auto name = fmt::format("firewall rule {}{}", rule.by_policy ? "by policy " : "", rule.id);
    lines.push_back(fmt::format("{} enabled = {}", name, rule.enabled));
    lines.push_back(fmt::format("{} definition = {}", name, definition_of(rule)));
  }
  for (const auto& rule : world.firewall.security_rules) {
    lines.push_back(
        fmt::format("connection security rule {}{} = {}", rule.by_policy ? "by policy " : "", rule.id, rule.text));
  }
  const auto& status = world.firewall.status;
  for (const auto& each : status.interfaces) {
    lines.push_back(fmt::format("interface {} addresses = {}", each.name, fmt::join(each.addresses, ", ")));
    lines.push_back(fmt::format("interface {} profile = {:#x}", each.name, each.profile));
  }
  lines.push_back(fmt::format("firewall active = {:#x}", status.active_profiles));
  lines.push_back(fmt::format("firewall on = {:#x}", status.enabled_profiles));
  lines.push_back(fmt::format("firewall block all = {:#x}", status.block_all_inbound));
  lines.push_back(fmt::format("firewall local ignored = {:#x}", status.local_rules_ignored));
  std::ranges::sort(lines);
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

}  // namespace rdpmend::sim
