#include "agent-lib/faults/certificate/proof.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/steps/make.hpp"
#include "agent-lib/support/guarded.hpp"

namespace rdpmend::faults::certificate {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_give_up_on_serving = 20s;  // A running TermService may go on serving the old certificate.

v1::Verdict not_served(const Look& look, const v1::ProbeReport& report, const ListenerCertificate& listener,
                       WallTime since) {
  const auto text =
      fmt::format("certificate {} is registered, but the probe says: {}", listener.sha1, probe_summary(report));
  const auto elapsed = look.host.clock.now() - since;
  if (elapsed <= k_give_up_on_serving) return ask_again(text, backed_off(elapsed));
  auto result = verdict(v1::Verdict::RESULT_NOT_REPAIRED, text);
  if (report.outcome() == v1::PROBE_OUTCOME_OK || report.outcome() == v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM)
    result.set_next_rung(std::string(k_term_service_rung));
  return result;
}

}  // namespace

void add_term_service_rung(const Look& look, PlanDraft& plan) {
  const auto dll =
      need(read_text(look.host.registry, registry_key::k_term_service_parameters, "ServiceDll")).value_or("");
  if (!equals_ignoring_case(dll, R"(%SystemRoot%\System32\termsrv.dll)")) {
    plan.refuse(
        fmt::format("TermService's ServiceDll is \"{}\", not %SystemRoot%\\System32\\termsrv.dll: it may have been "
                    "tampered with. Nothing is repaired or restarted until that is explained.",
                    dll));
    return;
  }
  plan.rung("Only if the listener does not serve the registered certificate: it disconnects everybody.",
            k_term_service_rung)
      .step(restart_service(service_name::k_term_service), "TermService loads the certificate when it starts.");
}

v1::Verdict prove_served(const Look& look, const ListenerCertificate& listener, WallTime since) {
  auto report = need(look.host.listener.probe(ProbeFrom::own_address, k_probe_deadline));
  std::string by_way_of = "the host's own address";
  if (report.stage() < v1::PROBE_STAGE_CONNECTED) {
    auto inside = look.host.listener.probe(ProbeFrom::loopback, k_probe_deadline);
    if (inside && inside->outcome() == v1::PROBE_OUTCOME_OK) {
      by_way_of = fmt::format("loopback (the host's own address: {})", report.detail());
      report = std::move(*inside);
    }
  }
  const bool proven = report.outcome() == v1::PROBE_OUTCOME_OK && report.certificate().sha1() == listener.sha1;
  const auto until =
      listener.certificate ? to_iso8601(listener.certificate->not_after) : std::string("an unknown time");
  auto result = proven
                    ? verdict(v1::Verdict::RESULT_REPAIRED,
                              fmt::format("the listener serves certificate {} until {}, proved by a handshake over {}",
                                          listener.sha1, until, by_way_of))
                    : not_served(look, report, listener, since);
  add_evidence(*result.mutable_evidence(), "registered certificate", listener.sha1, "served by the listener",
               listener.source);
  add_probe_evidence(*result.mutable_evidence(), report);
  *result.mutable_probe() = std::move(report);
  return result;
}

}  // namespace rdpmend::faults::certificate
