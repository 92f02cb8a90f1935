// The host's clock is wrong. It makes good certificates look bad, so it masks the certificate faults. Report only: a
// clock is never set from one source, and setting it is Windows Time's job.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include "agent-lib/faults/certificate/listener_certificate.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults::machine {

namespace {

using namespace std::chrono_literals;

// Kerberos refuses more than 5 minutes by default, so a domain notices nothing less.
// https://learn.microsoft.com/windows/security/threat-protection/security-policy-settings/maximum-tolerance-for-computer-clock-synchronization
constexpr Duration k_tolerance = 5min;
constexpr std::string_view k_subject = "clock";

std::optional<Case> differs(const TimeReference& reference) {
  if (reference.offset <= k_tolerance && reference.offset >= -k_tolerance) return std::nullopt;
  const bool ahead = reference.offset > Duration::zero();
  const auto by =
      fmt::format("{} {}", to_human(ahead ? reference.offset : -reference.offset), ahead ? "ahead" : "behind");
  return Case(k_subject, fmt::format("The host's clock is {}", by))
      .saw("wall clock", fmt::format("{} of {}", ahead ? "ahead" : "behind", reference.source),
           fmt::format("within {}", to_human(k_tolerance)), reference.source)
      .noted("offset of the wall clock", by, fmt::format("within {}", to_human(k_tolerance)), reference.source);
}

// Without a reference: the host made its own certificate at a time that it says has not come yet.
std::optional<Case> made_in_the_future(const Look& look) {
  const auto listener = certificate::read_listener_certificate(look.host);
  if (!listener || !listener->certificate || listener->origin != certificate::ListenerCertificate::Origin::self_signed)
    return std::nullopt;
  const auto ahead = listener->certificate->not_before - look.host.clock.now();
  if (ahead <= k_tolerance) return std::nullopt;
  return Case(k_subject, fmt::format("The host's clock is behind by {} or more", to_human(ahead)))
      .saw("listener certificate made by this host",
           fmt::format("valid from {}, which has not come yet", to_iso8601(listener->certificate->not_before)),
           "made in the past", "no time source answers");
}

void add_change(const Look& look, Case& found) {
  const auto* signal = look.newest_with("new_time");
  if (signal == nullptr || !signal->captures().contains("old_time")) return;
  found.noted("the clock was changed",
              fmt::format("from {} to {}", signal->captures().at("old_time"), signal->captures().at("new_time")), "",
              fmt::format("event {} #{}", signal->event_id(), signal->event_record_id()));
}

void add_time_service(const Look& look, Case& found) {
  const auto service = look.host.services.find("W32Time");
  if (!service || !*service) return;
  found.saw("service W32Time",
            fmt::format("{}, start type {}", (*service)->run == ServiceRun::running ? "running" : "not running",
                        to_string((*service)->start_type)),
            "running", "service configuration");
}

class ClockWrong final : public Fault {
 public:
  std::string_view id() const override { return "clock_wrong"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto reference = need(look.host.clock.reference());
    auto found = reference ? differs(*reference) : made_in_the_future(look);
    if (!found) return {};
    add_change(look, *found);
    add_time_service(look, *found);
    found->advises(
        "Set the clock right before anything else: check Windows Time (w32tm /query /status), the domain's time "
        "hierarchy, and on a virtual machine whether its hypervisor sets the time as well. Certificates are not "
        "touched until then.");
    return {std::move(*found)};
  }
};

}  // namespace

std::unique_ptr<Fault> make_clock_wrong() {
  return std::make_unique<ClockWrong>();
}

}  // namespace rdpmend::faults::machine
