// Services that repairs start, stop or rely on, and the two that answer only when they are well: sessions and time.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "agent-lib/events/ascii.hpp"
#include "service/selftest/findings.hpp"

namespace rdpmend {

namespace {

using namespace std::chrono_literals;

constexpr auto k_auto = v1::SERVICE_START_TYPE_AUTO;
constexpr auto k_manual = v1::SERVICE_START_TYPE_MANUAL;
constexpr auto k_any = v1::SERVICE_START_TYPE_UNSPECIFIED;  // But disabled.

struct Service {
  std::string_view name;
  v1::ServiceStartType start_type;
  std::string_view source;
};
constexpr Service k_services[] = {
    {"TermService", k_manual, "rdp-host.md 5"},
    {"SessionEnv", k_manual, "rdp-host.md 2.1, 5"},
    {"UmRdpService", k_manual, "rdp-host.md 5"},
    {"CertPropSvc", k_manual, "rdp-host.md 5"},
    {"KeyIso", k_manual, "rdp-host.md 5"},
    {"CryptSvc", k_auto, "rdp-host.md 5"},
    {"MpsSvc", k_auto, "rdp-host.md 4"},
    {"RpcSs", k_auto, "rdp-host.md 5"},
    {"W32Time", k_any, "rdp-host.md 8.1, R-CLOCK"},
};

constexpr Duration k_sessions_within = 5s;
constexpr Duration k_clock_tolerance = 5min;  // Kerberos refuses more.

std::string_view name_of(v1::ServiceStartType type) {
  switch (type) {
    case v1::SERVICE_START_TYPE_AUTO: return "automatic";
    case v1::SERVICE_START_TYPE_MANUAL: return "manual";
    case v1::SERVICE_START_TYPE_DISABLED: return "disabled";
    default: return "another start type";
  }
}

std::string_view name_of(ServiceRun run) {
  switch (run) {
    case ServiceRun::stopped: return "stopped";
    case ServiceRun::start_pending: return "starting";
    case ServiceRun::stop_pending: return "stopping";
    case ServiceRun::running: return "running";
    default: return "in another state";
  }
}

void check(const Services& services, const Service& service, Findings& findings) {
  const Assumption assumption{
      std::string(service.name),
      service.start_type == k_any ? std::string("not disabled") : fmt::format("{} start", name_of(service.start_type)),
      std::string(service.source)};
  const auto found = services.find(service.name);
  if (!found) return findings.failed(assumption, found.error());
  if (!*found) return findings.differs(assumption, "no such service");
  const auto& info = **found;
  const bool as_assumed = service.start_type == k_any ? info.start_type != v1::SERVICE_START_TYPE_DISABLED
                                                      : info.start_type == service.start_type;
  findings.compare(as_assumed, assumption, fmt::format("{} start, {}", name_of(info.start_type), name_of(info.run)));
}

// A restart of TermService stops these first, and starts them again.
void check_dependents(const Services& services, Findings& findings) {
  const Assumption assumption{"dependents of TermService", "UmRdpService among them while it runs", "rdp-host.md 5"};
  const auto term_service = services.find(service_name::k_term_service);
  const auto redirector = services.find("UmRdpService");
  if (!term_service) return findings.failed(assumption, term_service.error());
  if (!redirector) return findings.failed(assumption, redirector.error());
  if (!*term_service || !*redirector || (*redirector)->run != ServiceRun::running)
    return findings.not_here(assumption, "UmRdpService does not run");
  const auto& dependents = (*term_service)->running_dependents;
  const bool listed = std::any_of(dependents.begin(), dependents.end(),
                                  [](const auto& name) { return equals_ignoring_case(name, "UmRdpService"); });
  findings.compare(listed, assumption, dependents.empty() ? "none" : fmt::format("{}", fmt::join(dependents, ", ")));
}

void check_sessions(const HostView& host, Findings& findings) {
  const Assumption assumption{"list of sessions (WTS)", "an answer within " + to_human(k_sessions_within),
                              "rdp-host.md 7.4"};
  const auto began = host.clock.steady();
  const auto sessions = host.sessions.list();
  const auto took = host.clock.steady() - began;
  if (!sessions) return findings.failed(assumption, sessions.error());
  const auto remote = std::count_if(sessions->begin(), sessions->end(), [](const auto& s) { return s.remote; });
  findings.compare(took <= k_sessions_within, assumption,
                   fmt::format("{} sessions, {} of them remote, after {}", sessions->size(), remote, to_human(took)));
}

void check_clock(const HostView& host, Findings& findings) {
  const Assumption assumption{"clock", "a time source, and less than 5 min off", "rdp-host.md 8.1, R-CLOCK"};
  const auto reference = host.clock.reference();
  if (!reference) return findings.failed(assumption, reference.error());
  if (!*reference) return findings.not_here(assumption, "no time source answers");
  const auto& [source, offset] = **reference;
  findings.compare(std::abs(offset.count()) < k_clock_tolerance.count(), assumption,
                   fmt::format("{} ahead of {}", to_human(offset), source));
}

}  // namespace

void check_services(const HostView& host, std::vector<Finding>& all) {
  Findings findings("services");
  for (const auto& service : k_services) check(host.services, service, findings);
  check_dependents(host.services, findings);
  check_sessions(host, findings);
  check_clock(host, findings);
  append(all, std::move(findings));
}

}  // namespace rdpmend
