// A Connection Request and the listener's Confirm (MS-RDPBCGR 2.2.1.1, 2.2.1.2).
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

v1::Check look_at_x224(const Look& look, const OwnState&) {
  const auto report = need_handshake(look);
  Answer answer;
  if (report.stage() < v1::PROBE_STAGE_CONNECTED) return answer.unknown("not reached: " + report.detail());
  const bool refused = report.outcome() == v1::PROBE_OUTCOME_NEGOTIATION_FAILURE;
  const bool confirmed = report.stage() >= v1::PROBE_STAGE_NEGOTIATED && !refused;
  const auto selected = "confirmed, " + protocol_name(report.selected_protocol());
  answer.saw("an X.224 Connection Request", confirmed ? selected : report.detail(), "confirmed", source_of(report));
  if (report.outcome() == v1::PROBE_OUTCOME_CANCELLED) return answer.unknown(report.detail());
  if (!confirmed) return answer.faulty(report.detail());
  return answer.healthy(
      fmt::format("the listener confirms, and selects {}", protocol_name(report.selected_protocol())));
}

}  // namespace rdpmend::checks
