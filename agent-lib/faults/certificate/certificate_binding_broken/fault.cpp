// The listener is bound to a certificate that it cannot use: the binding is no thumbprint, or names a certificate that
// is not there, has no key or may not serve. The binding is taken back, so that Windows falls back to its own; by
// approval only, because an administrator bound it. One that has merely expired is reported by certificate_expired.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/certificate/proof.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend::faults::certificate {

namespace {

constexpr std::string_view k_binding = R"(RDP-Tcp\SSLCertificateSHA1Hash)";

bool is_bound(const Examination& seen) {
  return seen.listener.origin == ListenerCertificate::Origin::bound;
}

// What makes it unusable whatever its dates; empty: nothing.
std::string what_is_broken(const Examination& seen) {
  if (!is_bound(seen)) return {};
  if (seen.problem && !seen.problem->by_dates) return seen.problem->text;
  const auto& certificate = *seen.listener.certificate;
  if (certificate.key_container.empty()) return "the bound certificate has no private key";
  if (!certificate.server_authentication) return "the bound certificate is not for server authentication";
  return {};
}

// A Connection Broker's deployment sets the binding on all its hosts, and would set it again.
bool belongs_to_a_broker(const Look& look) {
  constexpr std::string_view k_cluster = R"(SYSTEM\CurrentControlSet\Control\Terminal Server\ClusterSettings)";
  const auto broker = need(read_text(look.host.registry, k_cluster, "SessionDirectoryLocation"));
  return broker && !broker->empty();
}

class CertificateBindingBroken final : public RepairableFault {
 public:
  std::string_view id() const override { return "certificate_binding_broken"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto seen = examine(look);
    const auto broken = what_is_broken(seen);
    if (broken.empty()) return {};
    const auto report = handshake(look);
    // What a client gets is the truth: Windows may have fallen back by itself.
    if (report && report->outcome() == v1::PROBE_OUTCOME_OK) return {};

    Case found(k_subject, fmt::format("The RDP listener is bound to a certificate that it cannot use: {}", broken));
    found.saw(k_binding, broken, "absent, or a certificate of this host with its key", "registry")
        .noted("bound thumbprint", seen.listener.sha1, "", seen.listener.source)
        .asks_first();
    if (report) found.noted(*report);
    if (belongs_to_a_broker(look)) {
      found.advises(
          "This host belongs to a Connection Broker's deployment, which sets the binding: renew the certificate there "
          "(Set-RDCertificate). It is not taken back here.");
    }
    found.can_be_repaired(found.diagnosis().advice().empty());
    return {std::move(found)};
  }

  v1::Plan plan(const Look& look, const v1::Diagnosis&) const override {
    PlanDraft plan("Take the broken binding back, so that Windows uses its own certificate");
    plan.rung("One registry value; the certificate itself is left where it is.")
        .step(delete_setting(v1::SETTING_BOUND_CERTIFICATE),
              "While it is there the listener uses no other certificate, and this one it cannot use.");
    add_term_service_rung(look, plan);
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis&, WallTime since) const override {
    const auto seen = examine(look);
    if (is_bound(seen)) return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the listener is bound again");
    if (seen.problem) {
      return verdict(
          v1::Verdict::RESULT_REPAIRED,
          fmt::format("the binding is gone; Windows' own certificate is looked at next: {}", seen.problem->text));
    }
    return prove_served(look, seen.listener, since);
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_binding_broken() {
  return std::make_unique<CertificateBindingBroken>();
}

}  // namespace rdpmend::faults::certificate
