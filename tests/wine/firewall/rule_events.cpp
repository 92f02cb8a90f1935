#include "tests/wine/firewall/rule_events.hpp"

#include <windows.h>

#include "agent-lib/sim/sim_events.hpp"
#include "tests/wine/lab/lab_log.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

std::string this_program() {
  std::wstring path(MAX_PATH * 2, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return narrow(path);
}

sim::events::RuleChange kind(RuleChange change) {
  switch (change) {
    case RuleChange::added: return sim::events::RuleChange::added;
    case RuleChange::deleted: return sim::events::RuleChange::deleted;
    default: return sim::events::RuleChange::changed;
  }
}

}  // namespace

void log_rule_change(RuleChange change, const std::wstring& id, const RuleText& text) {
  const auto field = [&](std::wstring_view name) { return narrow(text.get(name)); };
  FirewallRule rule;
  rule.id = narrow(id);
  rule.group = field(L"EmbedCtxt");
  rule.enabled = field(L"Active") == "TRUE";
  rule.allow = field(L"Action") != "Block";
  rule.inbound = field(L"Dir") != "Out";
  rule.protocol = field(L"Protocol").empty() ? 256 : static_cast<std::uint32_t>(std::stoul(field(L"Protocol")));
  rule.local_ports = field(L"LPort").empty() ? "*" : field(L"LPort");
  rule.profiles = profiles_of(text);
  rule.application = field(L"App");
  rule.service = field(L"Svc");
  rule.remote_addresses = field(L"RA4").empty() ? "*" : field(L"RA4");
  log_event(sim::events::firewall_rule(kind(change), rule, this_program()));
}

}  // namespace rdpmend::lab
