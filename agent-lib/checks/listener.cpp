// The socket is the truth: with fDenyTSConnections deleted, WMI still said that connections were allowed (measured.md
// L1).
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

namespace {

std::optional<std::uint32_t> read_switch(const Look& look, std::string_view key, std::string_view name,
                                         std::string_view what, std::string_view expected, Answer& answer) {
  const auto value = need(read_dword(look.host.registry, key, name));
  answer.saw(what, value ? std::to_string(*value) : "absent", expected, "registry");
  return value;
}

std::string why_nothing_listens(std::optional<std::uint32_t> by_policy, std::optional<std::uint32_t> local,
                                std::uint16_t port) {
  if (by_policy.value_or(0) != 0) return "Group Policy switches Remote Desktop off";
  if (!by_policy && local.value_or(0) != 0) return "Remote Desktop is switched off";
  if (!by_policy && !local) return "fDenyTSConnections is absent, which stops the listener";
  return fmt::format("nothing listens on TCP port {}", port);
}

}  // namespace

v1::Check look_at_listener(const Look& look, const OwnState&) {
  Answer answer;
  const auto by_policy = read_switch(look, registry_key::k_policy, "fDenyTSConnections",
                                     "fDenyTSConnections by Group Policy", "absent or 0", answer);
  const auto local = read_switch(look, registry_key::k_terminal_server, "fDenyTSConnections",
                                 R"(Terminal Server\fDenyTSConnections)", "0", answer);
  read_switch(look, registry_key::k_rdp_tcp, "fEnableWinStation", R"(RDP-Tcp\fEnableWinStation)", "1", answer);
  const auto state = need(look.host.listener.state());
  const auto service = need(look.host.services.find(service_name::k_term_service));
  const auto owner = state.owner_pid ? fmt::format("process {}", *state.owner_pid) : std::string("a process unknown");
  answer.saw(fmt::format("TCP port {}", state.port), state.listening ? owner + " listens" : "nobody listens",
             service ? fmt::format("process {} (TermService) listens", service->pid) : "TermService listens",
             "table of TCP listeners");
  if (!state.listening) return answer.faulty(why_nothing_listens(by_policy, local, state.port));
  if (state.owner_pid && service && service->pid != 0 && *state.owner_pid != service->pid)
    return answer.faulty(fmt::format("TCP port {} is taken by {}", state.port, owner));
  return answer.healthy(fmt::format("RDP-Tcp listens on TCP port {}", state.port));
}

}  // namespace rdpmend::checks
