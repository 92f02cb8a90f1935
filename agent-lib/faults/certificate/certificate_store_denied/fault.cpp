// Windows cannot keep or find the listener's certificate: the setting that names the store is missing, which is
// restored once a certificate is due or clients are cut off for want of one (rdp-host.md 1.5), or the store's registry
// key denies SYSTEM while one is due, which is reported, because it is also taught as a way to forbid self-signed
// certificates (measured.md C4, C6).
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend::faults::certificate {

namespace {

constexpr std::string_view k_setting = R"(WinStations\SelfSignedCertStore)";

bool names_the_store(const Look& look) {
  const auto store = need(read_text(look.host.registry, registry_key::k_win_stations, "SelfSignedCertStore"));
  return store == k_remote_desktop_store;
}

// TermService does not find a good certificate without the setting.
bool cuts_clients_off(const Look& look) {
  const auto report = handshake(look);
  return report && report->outcome() == v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM;
}

// A key that is not there is made again by SessionEnv (measured.md C1).
std::vector<v1::Diagnosis> denied_keys(const Look& look, const Examination& seen) {
  std::vector<v1::Diagnosis> all;
  for (const auto* below : {"", R"(\Certificates)"}) {
    const auto key = std::string(registry_key::k_remote_desktop_store_key) + below;
    const auto security = need(look.host.registry.security(key));
    if (!security || denied_mask(*security, sid::k_system) == 0) continue;
    Case found("HKLM\\" + key, "A registry key of the store Remote Desktop denies SYSTEM, and a certificate is due");
    found.saw("HKLM\\" + key, fmt::format("an entry denies SYSTEM ({})", sid::k_system), "none", "its access list")
        .advises(fmt::format("HKLM\\{} denies SYSTEM, so that no certificate can be made. Some enterprises forbid "
                             "self-signed certificates that way: then bind one of your CA. If it was not meant, "
                             "remove the Deny entry for SYSTEM from that key.",
                             key));
    add_certificate(seen, found);
    all.push_back(std::move(found));
  }
  return all;
}

class CertificateStoreDenied final : public RepairableFault {
 public:
  std::string_view id() const override { return "certificate_store_denied"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto seen = examine(look);
    const bool due = is_due(look, seen);
    auto all = due ? denied_keys(look, seen) : std::vector<v1::Diagnosis>{};
    if (!seen.is_ours() || names_the_store(look) || !(due || cuts_clients_off(look))) return all;
    Case found(k_setting,
               fmt::format("The setting that names the store of the listener's certificate is missing, and {}",
                           due ? "one is due" : "clients are cut off"));
    found.saw(
        k_setting,
        need(read_text(look.host.registry, registry_key::k_win_stations, "SelfSignedCertStore")).value_or("absent"),
        k_remote_desktop_store, "registry");
    add_certificate(seen, found);
    all.push_back(std::move(found.can_be_repaired()));
    return all;
  }

  v1::Plan plan(const Look&, const v1::Diagnosis&) const override {
    PlanDraft plan("Name the store Remote Desktop again");
    plan.rung("The value that Windows ships; nothing is started or stopped by this.")
        .step(set_setting(v1::SETTING_SELF_SIGNED_CERT_STORE, k_remote_desktop_store),
              "Without it Windows does not know where to keep the certificate.");
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis&, WallTime) const override {
    return names_the_store(look)
               ? verdict(v1::Verdict::RESULT_REPAIRED, "the store is named; the certificate is looked at next")
               : verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the setting is missing again");
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_store_denied() {
  return std::make_unique<CertificateStoreDenied>();
}

}  // namespace rdpmend::faults::certificate
