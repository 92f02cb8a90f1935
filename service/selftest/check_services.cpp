// Services that repairs start, stop or rely on, and the two that answer only when they are well: sessions and time.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/knowledge/stock_host.hpp"
#include "service/selftest/checks.hpp"

namespace rdpmend {

namespace {

using namespace std::chrono_literals;

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

std::string expected_of(const StockService& stock) {
  std::string expected(name_of(stock.start_type));
  if (stock.or_start_type != v1::SERVICE_START_TYPE_UNSPECIFIED) {
    expected += fmt::format(" or {}", name_of(stock.or_start_type));
  }
  return expected + (stock.always_runs ? " start, running" : " start");
}

void check_service(const Services& services, const StockService& stock, Checks& checks) {
  const Assumption assumption{std::string(stock.name), expected_of(stock), std::string(stock.source)};
  const auto found = services.find(stock.name);
  if (!found) return checks.failed(assumption, found.error());
  if (!*found) return checks.differs(assumption, "no such service");
  const auto& info = **found;
  const bool starts = info.start_type == stock.start_type || info.start_type == stock.or_start_type;
  checks.compare(starts && (!stock.always_runs || info.run == ServiceRun::running), assumption,
                 fmt::format("{} start, {}", name_of(info.start_type), name_of(info.run)));
}

// Servers and clients are not told apart: a host of the one kind with the other's group is none that was seen.
void check_group(const Registry& registry, const StockService& stock, Checks& checks) {
  const auto key = fmt::format(R"(SYSTEM\CurrentControlSet\Services\{})", stock.name);
  const auto server = fmt::format("{}{}", k_service_host, stock.server_group);
  const auto client = fmt::format("{}{}", k_service_host, stock.client_group);
  const Assumption assumption{fmt::format("command line of {}", stock.name),
                              server == client ? server : fmt::format("{}, or {}", server, client),
                              "measured.md 4, seen on single hosts"};
  const auto line = read_text(registry, key, "ImagePath");
  if (!line) return checks.failed(assumption, line.error());
  if (!*line) return checks.differs(assumption, "no ImagePath");
  checks.compare(equals_ignoring_case(**line, server) || equals_ignoring_case(**line, client), assumption, **line);
}

void check_groups(const Registry& registry, Checks& checks) {
  const auto build = windows_build(registry);
  // check_certificates tells when the build cannot be read; older ones have other groups, which nobody has listed.
  if (!build || !*build || **build < k_first_build_with_groups) return;
  for (const auto& stock : stock_services()) {
    if (!stock.server_group.empty()) check_group(registry, stock, checks);
  }
}

// A restart of TermService stops these first, and starts them again.
void check_dependents(const Services& services, Checks& checks) {
  const Assumption assumption{"dependents of TermService", "UmRdpService among them while it runs", "rdp-host.md 5"};
  const auto term_service = services.find(service_name::k_term_service);
  const auto redirector = services.find("UmRdpService");
  if (!term_service) return checks.failed(assumption, term_service.error());
  if (!redirector) return checks.failed(assumption, redirector.error());
  if (!*term_service || !*redirector || (*redirector)->run != ServiceRun::running)
    return checks.not_here(assumption, "UmRdpService does not run");
  const auto& dependents = (*term_service)->running_dependents;
  const bool listed = std::any_of(dependents.begin(), dependents.end(),
                                  [](const auto& name) { return equals_ignoring_case(name, "UmRdpService"); });
  checks.compare(listed, assumption, dependents.empty() ? "none" : fmt::format("{}", fmt::join(dependents, ", ")));
}

void check_sessions(const HostView& host, Checks& checks) {
  const Assumption assumption{"list of sessions (WTS)", "an answer within " + to_human(k_sessions_within),
                              "rdp-host.md 7.4"};
  const auto began = host.clock.steady();
  const auto sessions = host.sessions.list();
  const auto took = host.clock.steady() - began;
  if (!sessions) return checks.failed(assumption, sessions.error());
  const auto remote = std::count_if(sessions->begin(), sessions->end(), [](const auto& s) { return s.remote; });
  checks.compare(took <= k_sessions_within, assumption,
                 fmt::format("{} sessions, {} of them remote, after {}", sessions->size(), remote, to_human(took)));
}

// Where W32Time gets the time from; a policy goes over what is set locally. Empty: neither says.
// https://learn.microsoft.com/windows-server/networking/windows-time/windows-time-service-tools-and-settings
Result<std::string> time_source_type(const Registry& registry) {
  for (const auto* key : {R"(SOFTWARE\Policies\Microsoft\W32Time\Parameters)",
                          R"(SYSTEM\CurrentControlSet\Services\W32Time\Parameters)"}) {
    auto type = read_text(registry, key, "Type");
    if (!type) return fail(std::move(type).error());
    if (*type) return std::move(**type);
  }
  return std::string();
}

void check_clock(const HostView& host, Checks& checks) {
  const Assumption kind{"W32Time's Type", "NTP, NT5DS or AllSync: the host asks somebody for the time",
                        "rdp-host.md 8.1, R-CLOCK"};
  const auto type = time_source_type(host.registry);
  if (!type) return checks.failed(kind, type.error());
  const bool asks = equals_ignoring_case(*type, "NTP") || equals_ignoring_case(*type, "NT5DS") ||
                    equals_ignoring_case(*type, "AllSync");
  checks.compare(asks, kind, type->empty() ? "no such value" : *type);

  const Assumption answer{"clock", "a time source that answers, and less than 5 min off", "rdp-host.md 8.1, R-CLOCK"};
  const auto reference = host.clock.reference();
  if (!reference) return checks.failed(answer, reference.error());
  if (!*reference) {
    return asks ? checks.differs(answer, "no time source answers: certificates' dates cannot be judged")
                : checks.not_here(answer, "no time source is asked");
  }
  const auto& [source, offset] = **reference;
  checks.compare(std::abs(offset.count()) < k_clock_tolerance.count(), answer,
                 fmt::format("{} ahead of {}", to_human(offset), source));
}

}  // namespace

void check_services(const HostView& host, v1::SelfTestResponse& all) {
  Checks checks("services", all);
  for (const auto& stock : stock_services()) check_service(host.services, stock, checks);
  check_groups(host.registry, checks);
  check_dependents(host.services, checks);
  check_sessions(host, checks);
  check_clock(host, checks);
}

}  // namespace rdpmend
