// TCP to the host's own address: what listens there, and not what the firewall does (measured.md F8).
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

v1::Check look_at_tcp(const Look& look, const OwnState&) {
  const auto report = need_handshake(look);
  const bool connected = report.stage() >= v1::PROBE_STAGE_CONNECTED;
  Answer answer;
  answer.saw("a TCP connection to the host's own address", connected ? "accepted" : report.detail(), "accepted",
             source_of(report));
  if (connected) return answer.healthy(fmt::format("TCP port {} accepts connections", report.port()));
  if (report.outcome() == v1::PROBE_OUTCOME_CANCELLED) return answer.unknown(report.detail());
  return answer.faulty(report.detail());
}

}  // namespace rdpmend::checks
