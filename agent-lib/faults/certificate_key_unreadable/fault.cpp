// The listener has a certificate whose private key its own account, NETWORK SERVICE, cannot read: every client is cut
// off at the start of the TLS handshake. Windows never repairs it, because nothing is due for renewal (measured.md K1).
// The missing entries are added to that one file, and nothing is renewed, removed or restarted.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <vector>

#include "agent-lib/faults/evidence.hpp"
#include "agent-lib/faults/listener_certificate.hpp"

namespace rdpmend::faults {

namespace {

using Origin = ListenerCertificate::Origin;

// The registered self-signed certificate, if its key is in the one container whose file we may mend.
Result<std::optional<ListenerCertificate>> certificate_with_our_key(const HostView& host) {
  auto listener = read_listener_certificate(host);
  if (!listener) return fail(std::move(listener).error());
  const bool ours = listener->origin == Origin::self_signed && listener->certificate &&
                    listener->certificate->key_container == k_listener_container;
  return ours ? std::optional(std::move(*listener)) : std::nullopt;
}

// The listener uses the key, whatever its access list looks like from here.
bool is_served(const HostView& host, const ListenerCertificate& listener) {
  const auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
  return report && report->outcome() == v1::PROBE_OUTCOME_OK && report->certificate().sha1() == listener.sha1;
}

class CertificateKeyUnreadable final : public Fault {
 public:
  std::string_view id() const override { return "certificate_key_unreadable"; }

  Result<std::vector<v1::Diagnosis>> detect(const HostView& host, const v1::Signal&) const override {
    const auto allowed = remote_desktop_allowed(host);
    if (!allowed) return fail(allowed.error());
    if (!*allowed) return std::vector<v1::Diagnosis>{};
    const auto listener = certificate_with_our_key(host);
    if (!listener) return fail(listener.error());
    if (!*listener) return std::vector<v1::Diagnosis>{};
    const auto key = read_rdp_key_file(host);
    if (!key) return fail(key.error());
    if (!key->present) return std::vector<v1::Diagnosis>{};
    if (!key->unknown.empty()) {
      if (is_served(host, **listener)) return std::vector<v1::Diagnosis>{};
    } else if (key->lets_read(sid::k_network_service)) {
      return std::vector<v1::Diagnosis>{};
    }
    return std::vector{diagnose(host, **listener, *key)};
  }

  Result<v1::Plan> plan(const HostView& host, const v1::Diagnosis& diagnosis) const override {
    v1::Plan plan;
    plan.set_summary("Let the listener read its private key again; certificate and key stay as they are");
    if (!diagnosis.repairable()) {
      plan.set_advice(diagnosis.advice());
      return plan;
    }
    const auto key = read_rdp_key_file(host);
    if (!key) return fail(key.error());
    auto& rung = *plan.add_rungs();
    rung.set_reason("The entries that Windows ships, on this one file; nobody is disconnected.");
    add_key_access(*key, plan, rung);
    const auto complete = add_term_service_rung(host, plan);
    if (!complete) return fail(complete.error());
    return plan;
  }

  Result<v1::Verdict> verify(const HostView& host, const v1::Diagnosis& diagnosis, WallTime since) const override {
    const auto key = read_rdp_key_file(host);
    if (!key) return fail(key.error());
    if (!key->present || !key->unknown.empty() || !key->lets_read(sid::k_network_service)) {
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "NETWORK SERVICE cannot read the key file, again");
    }
    const auto listener = certificate_with_our_key(host);
    if (!listener) return fail(listener.error());
    if (!*listener) return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the registered certificate is gone");
    auto result = prove_served(host, **listener, since);
    const auto before = diagnosis.facts().find("thumbprint");
    if (result && before != diagnosis.facts().end()) {
      add_evidence(*result->mutable_evidence(), "thumbprint before and after",
                   before->second == (*listener)->sha1 ? "the same" : before->second + ", now " + (*listener)->sha1,
                   "the same", (*listener)->source);
    }
    return result;
  }

 private:
  static v1::Diagnosis diagnose(const HostView& host, const ListenerCertificate& listener, const RdpKeyFile& key) {
    v1::Diagnosis diagnosis;
    diagnosis.set_subject("RDP-Tcp");
    diagnosis.set_summary("The RDP listener cannot read the private key of its certificate");
    (*diagnosis.mutable_facts())["thumbprint"] = listener.sha1;
    auto& evidence = *diagnosis.mutable_evidence();
    add_evidence(evidence, fmt::format("listener certificate {}", listener.sha1),
                 fmt::format("valid from {} to {}", to_iso8601(listener.certificate->not_before),
                             to_iso8601(listener.certificate->not_after)),
                 "stays as it is", listener.source);
    if (key.unknown.empty() && !key.denies(sid::k_network_service)) {
      add_evidence(evidence, fmt::format("key file of {} ({})", k_listener_container, key.file),
                   fmt::format("no read access for NETWORK SERVICE ({})", sid::k_network_service),
                   "NETWORK SERVICE reads", "its access list");
    }
    diagnosis.set_repairable(!add_key_file_obstacles(key, diagnosis));
    if (auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline)) {
      add_probe_evidence(evidence, *report);
    }
    return diagnosis;
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_key_unreadable();
std::unique_ptr<Fault> make_certificate_key_unreadable() {
  return std::make_unique<CertificateKeyUnreadable>();
}

}  // namespace rdpmend::faults
