// The handshake is done: the listener can use its private key. Whether the certificate is the right one is asked
// before.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"
#include "agent-lib/faults/kit/evidence.hpp"

namespace rdpmend::checks {

v1::Check look_at_tls(const Look& look, const OwnState&) {
  const auto report = need_handshake(look);
  Answer answer;
  const bool refused = report.outcome() == v1::PROBE_OUTCOME_NEGOTIATION_FAILURE;
  if (report.stage() < v1::PROBE_STAGE_NEGOTIATED || refused) return answer.unknown("not reached: " + report.detail());
  answer.saw("a TLS handshake", faults::probe_summary(report), "done", source_of(report));
  if (report.outcome() == v1::PROBE_OUTCOME_CANCELLED) return answer.unknown(report.detail());
  if (report.outcome() != v1::PROBE_OUTCOME_OK) return answer.faulty(report.detail());
  return answer.healthy(fmt::format("{} with certificate {}", report.tls_protocol(), report.certificate().sha1()));
}

}  // namespace rdpmend::checks
