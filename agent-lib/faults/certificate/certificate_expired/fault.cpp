// The listener's self-signed certificate is expired, missing, without its key, or one whose renewal fails, and nothing
// that SessionEnv needs is known to be wrong (those causes are faults of their own and mask this one). SessionEnv is
// given another chance; we never make a certificate ourselves, and take a dead one away only when that has not helped.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/certificate/proof.hpp"
#include "agent-lib/faults/certificate/renewal.hpp"
#include "agent-lib/faults/kit/case.hpp"

namespace rdpmend::faults::certificate {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_time_to_make = 30s;  // A missing one is back within seconds of SessionEnv's start (C1).

// SessionEnv has just started and may be making the certificate at this moment.
bool may_be_in_the_making(const Look& look) {
  const auto info = look.host.services.find(service_name::k_session_env);
  return info && *info && (*info)->running_for && *(*info)->running_for < k_time_to_make;
}

std::string_view advice_for(ListenerCertificate::Origin origin) {
  if (origin == ListenerCertificate::Origin::bound) {
    return "The listener is bound to a certificate of its own (RDP-Tcp\\SSLCertificateSHA1Hash). Renew it with its CA "
           "and bind the new one, or remove the binding so that Windows uses its self-signed certificate.";
  }
  return "Group Policy names a certificate template for the listener. Check that the CA can be reached and that the "
         "template lets this computer enrol; the policy is not fought here.";
}

// The administrator decides where the dates rest on an unconfirmed clock, and where the certificate is still good.
void add_doubts(const Look& look, const Problem& problem, Case& found) {
  if (problem.renewal) found.asks_first();
  if (!problem.by_dates || judge_dates(look) == Dates::confirmed) return;
  found.asks_first().saw("time reference", "none answers", "one that confirms the host's clock",
                         "the host's time source");
}

void add_failure(const Look& look, Case& found) {
  const auto events =
      recent_events(look, {k_create_failed, k_replace_failed}, look.host.clock.now() - std::chrono::days{1});
  if (events.empty()) return;
  const auto& newest = events.front();
  found.noted(fmt::format("event {}", newest.event_id),
              newest.event_id == k_replace_failed ? "SessionEnv could not replace the certificate"
                                                  : "SessionEnv could not create a certificate",
              "none",
              fmt::format("System #{}{}", newest.record_id, newest.time ? " at " + to_iso8601(*newest.time) : ""));
}

class CertificateExpired final : public RepairableFault {
 public:
  std::string_view id() const override { return "certificate_expired"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto seen = examine(look);
    if (!seen.problem) return {};
    if (!seen.is_ours() && serves_a_valid_certificate(look)) return {};
    if (seen.is_ours() && !seen.listener.certificate && may_be_in_the_making(look)) return {};

    Case found(k_subject, fmt::format("The RDP listener's certificate: {}", seen.problem->text));
    found.keeps("thumbprint", seen.listener.sha1).can_be_repaired(seen.is_ours());
    add_certificate(seen, found);
    if (seen.is_ours()) {
      add_doubts(look, *seen.problem, found);
      add_failure(look, found);
    } else {
      found.advises(advice_for(seen.listener.origin));
    }
    if (const auto report = handshake(look)) found.noted(*report);
    return {std::move(found)};
  }

  v1::Plan plan(const Look& look, const v1::Diagnosis& diagnosis) const override {
    PlanDraft plan("Let SessionEnv make a new certificate");
    add_renewal(look, fact(diagnosis, "thumbprint"), plan);
    add_term_service_rung(look, plan);
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis& diagnosis, WallTime since) const override {
    return prove_renewed(look, fact(diagnosis, "thumbprint"), since);
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_expired() {
  return std::make_unique<CertificateExpired>();
}

}  // namespace rdpmend::faults::certificate
