// Which address clients get for the host's name only a client can tell: the newest report of one, if it is of late.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

namespace {

constexpr Duration k_report_counts = std::chrono::hours{24};

// Who probed an address has asked no DNS.
bool is_name(std::string_view host) {
  return host.find(':') == host.npos && host.find_first_not_of("0123456789.") != host.npos;
}

std::string who_could_tell(const Look& look) {
  return fmt::format("only a client can tell: run 'rdpmend probe {} --report' on one", look.host.identity.name);
}

}  // namespace

v1::Check look_at_name(const Look& look, const OwnState& own) {
  Answer answer;
  answer.saw("computer name", look.host.identity.name, "", "Windows");
  if (!own.outside || !is_name(own.outside->report().host())) return answer.out_of_sight(who_could_tell(look));
  const auto& report = own.outside->report();
  const auto received = from_proto(own.outside->received());
  const bool unknown_name = report.outcome() == v1::PROBE_OUTCOME_NAME_UNKNOWN;
  answer.saw(fmt::format("the address of {}", report.host()), unknown_name ? "none" : report.address(),
             "an address of this host",
             fmt::format("a probe that {} told of at {}", own.outside->client(), to_iso8601(received)));
  if (look.host.clock.now() - received > k_report_counts) {
    return answer.out_of_sight(fmt::format("the newest report of a client is older than {}; {}",
                                           to_human(k_report_counts), who_could_tell(look)));
  }
  if (unknown_name) return answer.faulty(fmt::format("{} has no address at {}", report.host(), own.outside->client()));
  if (report.stage() < v1::PROBE_STAGE_CONNECTED) {
    return answer.unknown(fmt::format("{} leads {} to {}, where no connection was made: {}", report.host(),
                                      own.outside->client(), report.address(), report.detail()));
  }
  return answer.healthy(fmt::format("{} leads {} to {}", report.host(), own.outside->client(), report.address()));
}

}  // namespace rdpmend::checks
