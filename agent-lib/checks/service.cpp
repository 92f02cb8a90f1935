// TermService runs, and it and its companions may start. Only "disabled" is evidence against a start type (measured.md
// 0.1 rule 7, S1): all three are started on demand.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::checks {

namespace {

std::string_view word_for(ServiceRun run) {
  switch (run) {
    case ServiceRun::stopped: return "stopped";
    case ServiceRun::start_pending: return "starting";
    case ServiceRun::stop_pending: return "stopping";
    case ServiceRun::running: return "running";
    case ServiceRun::other: break;
  }
  return "paused or about to be";
}

}  // namespace

v1::Check look_at_service(const Look& look, const OwnState&) {
  Answer answer;
  std::optional<ServiceRun> term_service;
  for (const auto name :
       {service_name::k_term_service, std::string_view("UmRdpService"), service_name::k_session_env}) {
    const bool is_term_service = name == service_name::k_term_service;
    const auto info = need(look.host.services.find(name));
    answer.saw(fmt::format("service {}", name),
               info ? fmt::format("{}, start type {}", word_for(info->run), to_string(info->start_type))
                    : std::string("not installed"),
               is_term_service ? "running, not disabled" : "not disabled", "Service Control Manager");
    if (!info) {
      answer.complains(fmt::format("service {} is not installed", name));
      continue;
    }
    if (is_term_service) term_service = info->run;
    if (info->start_type == v1::SERVICE_START_TYPE_DISABLED)
      answer.complains(fmt::format("service {} is disabled", name));
  }
  if (term_service == ServiceRun::stopped) answer.complains("TermService does not run");
  if (answer.has_complaints()) return answer.faulty();
  if (term_service != ServiceRun::running)
    return answer.unknown(fmt::format("TermService is {}: look again", word_for(*term_service)));
  return answer.healthy("TermService runs; none of its companions is disabled");
}

}  // namespace rdpmend::checks
