// A certificate is due, and a service that Windows needs to make it is disabled. The service gets its start type back;
// the certificate itself is looked at next. A disabled service beside a good certificate is no fault: it may be meant.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <array>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/steps/make.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults::certificate {

namespace {

struct Companion {
  std::string_view service;
  v1::ServiceStartType stock;
};
// What making the certificate needs; start types as measured (measured.md S1, S2).
constexpr std::array<Companion, 4> k_companions{{{service_name::k_session_env, v1::SERVICE_START_TYPE_MANUAL},
                                                 {"CertPropSvc", v1::SERVICE_START_TYPE_MANUAL},
                                                 {"KeyIso", v1::SERVICE_START_TYPE_MANUAL},
                                                 {"CryptSvc", v1::SERVICE_START_TYPE_AUTO}}};

v1::ServiceStartType stock_of(std::string_view service) {
  for (const auto& companion : k_companions) {
    if (companion.service == service) return companion.stock;
  }
  return v1::SERVICE_START_TYPE_UNSPECIFIED;
}

class CertificateServiceDisabled final : public RepairableFault {
 public:
  std::string_view id() const override { return "certificate_service_disabled"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto seen = examine(look);
    if (!is_due(look, seen)) return {};
    std::vector<v1::Diagnosis> all;
    for (const auto& companion : k_companions) {
      const auto info = need(look.host.services.find(companion.service));
      if (!info || info->start_type != v1::SERVICE_START_TYPE_DISABLED) continue;
      Case found(companion.service, fmt::format("Service {}, which Windows needs to make the listener's certificate, "
                                                "is disabled, and a certificate is due",
                                                companion.service));
      found.saw(fmt::format("service {}", companion.service), "Disabled", to_string(companion.stock),
                "service configuration");
      add_certificate(seen, found);
      all.push_back(std::move(found.can_be_repaired()));
    }
    return all;
  }

  v1::Plan plan(const Look&, const v1::Diagnosis& diagnosis) const override {
    PlanDraft plan(fmt::format("Let service {} start again", diagnosis.subject()));
    plan.rung("The start type that Windows ships; nothing is started or stopped by this.")
        .step(set_start_type(diagnosis.subject(), stock_of(diagnosis.subject())),
              "A disabled service cannot start, and without it no certificate can be made.");
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis& diagnosis, WallTime) const override {
    const auto info = need(look.host.services.find(diagnosis.subject()));
    if (!info || info->start_type == v1::SERVICE_START_TYPE_DISABLED)
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, fmt::format("{} is disabled again", diagnosis.subject()));
    return verdict(v1::Verdict::RESULT_REPAIRED,
                   fmt::format("{} can start; the certificate is looked at next", diagnosis.subject()));
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_service_disabled() {
  return std::make_unique<CertificateServiceDisabled>();
}

}  // namespace rdpmend::faults::certificate
