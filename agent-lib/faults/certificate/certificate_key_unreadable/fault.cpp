// The listener has a certificate whose private key its own account, NETWORK SERVICE, cannot read: every client is cut
// off at the start of the TLS handshake. Windows never repairs it, because nothing is due for renewal (measured.md K1).
// Or a certificate is due, and SYSTEM, as which SessionEnv makes it, cannot open the old one's key. The missing entries
// are added to that one file, and nothing is renewed, removed or restarted.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/certificate/key_file.hpp"
#include "agent-lib/faults/certificate/proof.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"

namespace rdpmend::faults::certificate {

namespace {

// In the one container whose file we may mend.
bool has_our_key(const Examination& seen) {
  return seen.is_ours() && seen.listener.certificate &&
         seen.listener.certificate->key_container == k_listener_container;
}

class CertificateKeyUnreadable final : public RepairableFault {
 public:
  std::string_view id() const override { return "certificate_key_unreadable"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto seen = examine(look);
    if (!has_our_key(seen)) return {};
    const auto key = need(read_rdp_key_file(look.host));
    if (!key.present) return {};
    const bool listener_reads =
        key.unknown.empty() ? key.lets_read(sid::k_network_service) : is_served(look, seen.listener.sha1);
    const bool session_env_may = !key.unknown.empty() || key.lets_do_all(sid::k_system);
    if (listener_reads && (session_env_may || !is_due(look, seen))) return {};

    Case found(k_subject, listener_reads ? "Windows cannot open the private key of the certificate that is due"
                                         : "The RDP listener cannot read the private key of its certificate");
    found.keeps("thumbprint", seen.listener.sha1);
    add_certificate(seen, found);
    if (key.unknown.empty() && !listener_reads && !key.denies(sid::k_network_service)) {
      found.saw(key.name(), fmt::format("no read access for NETWORK SERVICE ({})", sid::k_network_service),
                "NETWORK SERVICE reads", "its access list");
    }
    if (!session_env_may && !key.denies(sid::k_system)) {
      found.saw(key.name(), fmt::format("no full access for SYSTEM ({})", sid::k_system), "SYSTEM full",
                "its access list");
    }
    found.can_be_repaired(!add_obstacles(key, found));
    if (const auto report = handshake(look)) found.noted(*report);
    return {std::move(found)};
  }

  v1::Plan plan(const Look& look, const v1::Diagnosis&) const override {
    PlanDraft plan("Give Windows its private key back; certificate and key stay as they are");
    plan.rung("The entries that Windows ships, on this one file; nobody is disconnected.");
    add_access(need(read_rdp_key_file(look.host)), plan);
    add_term_service_rung(look, plan);
    return plan;
  }

  // A certificate that is due besides is the next fault's: here the key counts, and that the listener shows it.
  v1::Verdict verify(const Look& look, const v1::Diagnosis& diagnosis, WallTime since) const override {
    const auto key = need(read_rdp_key_file(look.host));
    if (!key.present || !key.unknown.empty() || !key.lets_read(sid::k_network_service))
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "NETWORK SERVICE cannot read the key file, again");
    const auto seen = examine(look);
    if (!has_our_key(seen)) return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the registered certificate is gone");
    auto result = prove_served(look, seen.listener, since);
    const auto before = fact(diagnosis, "thumbprint");
    add_evidence(*result.mutable_evidence(), "thumbprint before and after",
                 before == seen.listener.sha1 ? "the same" : before + ", now " + seen.listener.sha1, "the same",
                 seen.listener.source);
    return result;
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_key_unreadable() {
  return std::make_unique<CertificateKeyUnreadable>();
}

}  // namespace rdpmend::faults::certificate
