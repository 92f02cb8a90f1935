// The host's clock is wrong. It makes good certificates look bad, so it masks the certificate faults. Report only: a
// clock is never set from one source, and setting it is Windows Time's job.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <vector>

#include "agent-lib/faults/evidence.hpp"
#include "agent-lib/faults/listener_certificate.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults {

namespace {

using namespace std::chrono_literals;

// Kerberos refuses more than 5 minutes by default, so a domain notices nothing less.
// https://learn.microsoft.com/windows/security/threat-protection/security-policy-settings/maximum-tolerance-for-computer-clock-synchronization
constexpr Duration k_tolerance = 5min;

class ClockWrong final : public Fault {
 public:
  std::string_view id() const override { return "clock_wrong"; }

  Result<std::vector<v1::Diagnosis>> detect(const HostView& host, const v1::Signal& signal) const override {
    const auto reference = host.clock.reference();
    if (!reference) return fail(reference.error());
    v1::Diagnosis diagnosis;
    diagnosis.set_subject("clock");
    const bool wrong = *reference ? differs(**reference, diagnosis) : made_in_the_future(host, diagnosis);
    if (!wrong) return std::vector<v1::Diagnosis>{};

    add_change(signal, diagnosis);
    add_time_service(host, diagnosis);
    diagnosis.set_advice(
        "Set the clock right before anything else: check Windows Time (w32tm /query /status), the domain's time "
        "hierarchy, and on a virtual machine whether its hypervisor sets the time as well. Certificates are not "
        "touched until then.");
    return std::vector{std::move(diagnosis)};
  }

  Result<v1::Plan> plan(const HostView&, const v1::Diagnosis& diagnosis) const override {
    v1::Plan plan;
    plan.set_summary("None: the clock is not set by this service");
    plan.set_advice(diagnosis.advice());
    return plan;
  }

  // Nothing is ever written for it; somebody else set the clock right, or not.
  Result<v1::Verdict> verify(const HostView& host, const v1::Diagnosis&, WallTime) const override {
    const auto still = detect(host, {});
    if (!still) return fail(still.error());
    return still->empty() ? verdict(v1::Verdict::RESULT_REPAIRED, "the clock is right")
                          : verdict(v1::Verdict::RESULT_NOT_REPAIRED, still->front().summary());
  }

 private:
  static bool differs(const TimeReference& reference, v1::Diagnosis& diagnosis) {
    if (reference.offset <= k_tolerance && reference.offset >= -k_tolerance) return false;
    const bool ahead = reference.offset > Duration::zero();
    const auto by =
        fmt::format("{} {}", to_human(ahead ? reference.offset : -reference.offset), ahead ? "ahead" : "behind");
    diagnosis.set_summary(fmt::format("The host's clock is {}", by));
    add_evidence(*diagnosis.mutable_evidence(), "wall clock", fmt::format("{} of {}", by, reference.source),
                 fmt::format("within {}", to_human(k_tolerance)), reference.source);
    return true;
  }

  // Without a reference: the host made its own certificate at a time that it says has not come yet.
  static bool made_in_the_future(const HostView& host, v1::Diagnosis& diagnosis) {
    const auto listener = read_listener_certificate(host);
    if (!listener || !listener->certificate || listener->origin != ListenerCertificate::Origin::self_signed)
      return false;
    const auto ahead = listener->certificate->not_before - host.clock.now();
    if (ahead <= k_tolerance) return false;
    diagnosis.set_summary(fmt::format("The host's clock is behind by {} or more", to_human(ahead)));
    add_evidence(*diagnosis.mutable_evidence(), "listener certificate made by this host",
                 fmt::format("valid from {}, which has not come yet", to_iso8601(listener->certificate->not_before)),
                 "made in the past", "no time source answers");
    return true;
  }

  static void add_change(const v1::Signal& signal, v1::Diagnosis& diagnosis) {
    const auto old_time = signal.captures().find("old_time");
    const auto new_time = signal.captures().find("new_time");
    if (old_time == signal.captures().end() || new_time == signal.captures().end()) return;
    add_evidence(*diagnosis.mutable_evidence(), "the clock was changed",
                 fmt::format("from {} to {}", old_time->second, new_time->second), "",
                 fmt::format("event {} #{}", signal.event_id(), signal.event_record_id()));
  }

  static void add_time_service(const HostView& host, v1::Diagnosis& diagnosis) {
    const auto service = host.services.find("W32Time");
    if (!service || !*service) return;
    add_evidence(*diagnosis.mutable_evidence(), "service W32Time",
                 fmt::format("{}, start type {}", (*service)->run == ServiceRun::running ? "running" : "not running",
                             to_string((*service)->start_type)),
                 "running", "service configuration");
  }
};

}  // namespace

std::unique_ptr<Fault> make_clock_wrong();
std::unique_ptr<Fault> make_clock_wrong() {
  return std::make_unique<ClockWrong>();
}

}  // namespace rdpmend::faults
