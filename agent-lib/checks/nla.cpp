// What the listener demands before a session, by its settings and by what it selects. Nobody signs in here: whether
// credentials are accepted only a sign-in tells. A valid setting is no fault, whichever it is (measured.md L13); a
// number outside its set is, because Windows does not clamp it (L3 to L5).
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"
#include "agent-lib/knowledge/stock_host.hpp"

namespace rdpmend::checks {

namespace {

// As it counts: Group Policy goes before the local value (TerminalServer.admx). nullopt: neither is set.
std::optional<std::uint32_t> value_in_force(const Look& look, const Stock& stock, std::string_view name,
                                            Answer& answer) {
  for (const auto key : {registry_key::k_policy, registry_key::k_rdp_tcp}) {
    const auto value = need(read_dword(look.host.registry, key, name));
    if (!value) continue;
    const auto* row = stock.value(registry_key::k_rdp_tcp, name);
    const auto lowest = row->dword().lowest(), highest = row->dword().highest();
    const auto whose = key == registry_key::k_policy ? "by Group Policy" : "of RDP-Tcp";
    answer.saw(fmt::format("{} {}", name, whose), std::to_string(*value), fmt::format("{} to {}", lowest, highest),
               "registry; " + row->source());
    if (*value < lowest || *value > highest)
      answer.complains(fmt::format("{} {} is {}, which is no valid value", name, whose, *value));
    return value;
  }
  return std::nullopt;
}

}  // namespace

v1::Check look_at_nla(const Look& look, const OwnState&) {
  const auto stock = need(stock_of(look.host.registry));
  Answer answer;
  const auto nla = value_in_force(look, stock, "UserAuthentication", answer);
  value_in_force(look, stock, "SecurityLayer", answer);
  value_in_force(look, stock, "MinEncryptionLevel", answer);
  if (answer.has_complaints()) return answer.faulty();

  const auto report = need_handshake(look);
  if (!report.has_selected_protocol()) return answer.unknown("not reached: " + report.detail());
  constexpr std::uint32_t k_credssp = 2, k_credssp_ex = 8;
  const auto selected = report.selected_protocol();
  const bool offered = selected == k_credssp || selected == k_credssp_ex;
  const bool required = nla == 1U;
  answer.saw("what the listener selects of TLS and CredSSP", protocol_name(selected),
             required ? "CredSSP" : "either of them", source_of(report));
  if (required && !offered)
    return answer.faulty("Network Level Authentication is required, but the listener selects " +
                         protocol_name(selected));
  return answer.healthy(fmt::format("{}; Network Level Authentication is {}", protocol_name(selected),
                                    required ? "required" : "not required"));
}

}  // namespace rdpmend::checks
