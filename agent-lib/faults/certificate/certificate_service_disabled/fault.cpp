// A certificate is due, and a service that Windows needs to make it is disabled. The service gets its start type back;
// the certificate itself is looked at next. A disabled service beside a good certificate is no fault: it may be meant.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <array>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/steps/make.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults::certificate {

namespace {

// What making the certificate needs; that each of the last three is needed is unproven (measured.md S1, S2).
constexpr std::array<std::string_view, 4> k_needed{service_name::k_session_env, "CertPropSvc", "KeyIso", "CryptSvc"};

// What the service had while the host was healthy. Unspecified: nobody has seen that.
v1::ServiceStartType healthy_start_type(const Look& look, std::string_view service) {
  for (const auto& kept : look.known.baseline.services()) {
    if (kept.name() == service) return kept.start_type();
  }
  return v1::SERVICE_START_TYPE_UNSPECIFIED;
}

v1::ServiceStartType stock_start_type(const Look& look, std::string_view service) {
  const auto stock = need(stock_of(look.host.registry));
  const auto* found = stock.service(service);
  return found == nullptr ? v1::SERVICE_START_TYPE_UNSPECIFIED : found->start().type();
}

v1::ServiceStartType wanted_start_type(const Look& look, std::string_view service) {
  const auto healthy = healthy_start_type(look, service);
  const bool starts = healthy == v1::SERVICE_START_TYPE_AUTO || healthy == v1::SERVICE_START_TYPE_MANUAL;
  return starts ? healthy : stock_start_type(look, service);
}

class CertificateServiceDisabled final : public RepairableFault {
 public:
  std::string_view id() const override { return "certificate_service_disabled"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto seen = examine(look);
    if (!is_due(look, seen)) return {};
    std::vector<v1::Diagnosis> all;
    for (const auto service : k_needed) {
      const auto info = need(look.host.services.find(service));
      if (!info || info->start_type != v1::SERVICE_START_TYPE_DISABLED) continue;
      Case found(service, fmt::format("Service {}, which Windows needs to make the listener's certificate, "
                                      "is disabled, and a certificate is due",
                                      service));
      found.saw(fmt::format("service {}", service), "Disabled", to_string(wanted_start_type(look, service)),
                "service configuration");
      if (healthy_start_type(look, service) == v1::SERVICE_START_TYPE_DISABLED) {
        found.noted("the same service when the host was last healthy", "Disabled", "", "baseline").asks_first();
      }
      add_certificate(seen, found);
      all.push_back(std::move(found.can_be_repaired()));
    }
    return all;
  }

  v1::Plan plan(const Look& look, const v1::Diagnosis& diagnosis) const override {
    PlanDraft plan(fmt::format("Let service {} start again", diagnosis.subject()));
    plan.rung("The start type that it had while this host was healthy, else the one that Windows ships.")
        .step(set_start_type(diagnosis.subject(), wanted_start_type(look, diagnosis.subject())),
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
