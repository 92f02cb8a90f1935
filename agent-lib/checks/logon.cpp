// What turns new sign-ins away at the door: drain mode and 'change logon'. Either may be meant.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

v1::Check look_at_logon(const Look& look, const OwnState&) {
  Answer answer;
  const auto drain = need(read_dword(look.host.registry, registry_key::k_terminal_server, "TSServerDrainMode"));
  answer.saw(R"(Terminal Server\TSServerDrainMode)", drain ? std::to_string(*drain) : "absent", "absent or 0",
             "registry; rdp-host.md 2.2");
  if (drain.value_or(0) != 0) answer.complains("the host is drained: new sessions are turned away");
  const auto disabled = need(read_text(look.host.registry, registry_key::k_winlogon, "WinStationsDisabled"));
  answer.saw(R"(Winlogon\WinStationsDisabled)", disabled.value_or("absent"), "absent or 0",
             "registry; https://learn.microsoft.com/windows-server/administration/windows-commands/change-logon");
  if (disabled.value_or("0") != "0") answer.complains("remote sign-ins are switched off ('change logon /disable')");
  if (answer.has_complaints()) return answer.faulty();
  return answer.healthy("neither drain mode nor 'change logon' turns anybody away");
}

}  // namespace rdpmend::checks
