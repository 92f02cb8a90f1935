// The values of Group Policy about Remote Desktop: which are set, and whether one of them keeps clients out. They are
// reported, and never fought.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"
#include "agent-lib/knowledge/stock_host.hpp"

namespace rdpmend::checks {

namespace {

// What is set, in words; empty: nothing.
std::string read_policy(const Look& look, const v1::StockValue& row, Answer& answer) {
  const auto& name = row.name();
  if (row.has_text()) {
    const auto text = need(read_text(look.host.registry, registry_key::k_policy, name));
    if (text) answer.saw(name + " by Group Policy", *text, "", "registry; " + row.source());
    return text ? name : "";
  }
  const auto value = need(read_dword(look.host.registry, registry_key::k_policy, name));
  if (!value) return {};
  const auto lowest = row.dword().lowest(), highest = row.dword().highest();
  answer.saw(name + " by Group Policy", std::to_string(*value), fmt::format("{} to {}", lowest, highest),
             "registry; " + row.source());
  if (*value < lowest || *value > highest)
    answer.complains(fmt::format("Group Policy sets {} to {}, which is no valid value", name, *value));
  if (name == "fDenyTSConnections" && *value != 0) answer.complains("Group Policy switches Remote Desktop off");
  return fmt::format("{} {}", name, *value);
}

}  // namespace

v1::Check look_at_policy(const Look& look, const OwnState&) {
  const auto stock = need(stock_of(look.host.registry));
  Answer answer;
  std::string set;
  int known = 0;
  for (const auto& key : stock.host().keys()) {
    if (key.key() != registry_key::k_policy) continue;
    for (const auto& row : key.values()) {
      ++known;
      const auto what = read_policy(look, row, answer);
      if (!what.empty()) set += (set.empty() ? "" : ", ") + what;
    }
  }
  if (answer.has_complaints()) return answer.faulty();
  if (!set.empty()) return answer.healthy(fmt::format("Group Policy sets {}; none of it keeps clients out", set));
  answer.saw("Group Policy about Remote Desktop", fmt::format("none of {} known values is set", known), "",
             "registry; TerminalServer.admx");
  return answer.healthy("Group Policy says nothing about Remote Desktop");
}

}  // namespace rdpmend::checks
