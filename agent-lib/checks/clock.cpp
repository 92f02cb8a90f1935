// The host's clock against its time source. What is too much the fault clock_wrong says, which makes this check faulty.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

v1::Check look_at_clock(const Look& look, const OwnState&) {
  const auto reference = need(look.host.clock.reference());
  Answer answer;
  if (!reference) {
    answer.saw("time reference", "none answers", "one that confirms the host's clock", "the host's time source");
    return answer.unknown("no time source answers that would confirm the clock");
  }
  answer.saw("offset of the wall clock", to_human(reference->offset), "no more than Kerberos allows",
             reference->source);
  return answer.healthy(fmt::format("{} away from {}", to_human(reference->offset), reference->source));
}

}  // namespace rdpmend::checks
