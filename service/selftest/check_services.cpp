// Services that repairs start, stop or rely on, and the two that answer only when they are well: sessions and time.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "agent-lib/events/ascii.hpp"
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

std::string expected_of(const v1::StockStart& stock) {
  std::string expected(name_of(stock.type()));
  for (const auto other : stock.also_healthy()) {
    expected += fmt::format(" or {}", name_of(static_cast<v1::ServiceStartType>(other)));
  }
  return expected + (stock.always_runs() ? " start, running" : " start");
}

void check_service(const Services& services, const v1::StockService& stock, Checks& checks) {
  const auto& start = stock.start();
  const Assumption assumption{stock.name(), expected_of(start), who_says(start)};
  const auto found = services.find(stock.name());
  if (!found) return checks.failed(assumption, found.error());
  if (!*found) return checks.differs(assumption, "no such service");
  const auto& info = **found;
  const auto& others = start.also_healthy();
  const bool starts =
      info.start_type == start.type() || std::find(others.begin(), others.end(), info.start_type) != others.end();
  checks.compare(starts && (!start.always_runs() || info.run == ServiceRun::running), assumption,
                 fmt::format("{} start, {}", name_of(info.start_type), name_of(info.run)));
}

// What the other role has is no difference: servers and clients were told apart on single hosts only.
void check_image(const Registry& registry, const v1::StockService& stock, const v1::StockService& of_other_role,
                 Checks& checks) {
  const auto& path = stock.image().path();
  const auto& or_path = of_other_role.image().path();
  const Assumption assumption{"command line of " + stock.name(),
                              path == or_path ? path : fmt::format("{}, or {}", path, or_path),
                              who_says(stock.image())};
  const auto line = read_text(registry, service_key(stock.name()), "ImagePath");
  if (!line) return checks.failed(assumption, line.error());
  if (!*line) return checks.differs(assumption, "no ImagePath");
  checks.compare(equals_ignoring_case(**line, path) || equals_ignoring_case(**line, or_path), assumption, **line);
}

void check_images(const Registry& registry, const Stock& stock, Checks& checks) {
  const auto other =
      stock_of(stock.host().build(),
               stock.host().role() == v1::WINDOWS_ROLE_SERVER ? v1::WINDOWS_ROLE_CLIENT : v1::WINDOWS_ROLE_SERVER);
  for (const auto& service : stock.host().services()) {
    if (service.has_image()) check_image(registry, service, *other.service(service.name()), checks);
  }
}

void check_dll(const Registry& registry, const v1::StockService& stock, Checks& checks) {
  const auto key = service_key(stock.name()) + R"(\Parameters)";
  const Assumption assumption{key + R"(\ServiceDll)", "text, " + stock.dll().path(), who_says(stock.dll())};
  const auto dll = read_text(registry, key, "ServiceDll");
  if (!dll) return checks.failed(assumption, dll.error());
  checks.compare(*dll && equals_ignoring_case(**dll, stock.dll().path()), assumption, dll->value_or("no such value"));
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
  const auto stock = assumed_stock(host.registry);
  for (const auto& service : stock.host().services()) {
    check_service(host.services, service, checks);
    if (service.has_dll()) check_dll(host.registry, service, checks);
  }
  check_images(host.registry, stock, checks);
  check_dependents(host.services, checks);
  check_sessions(host, checks);
  check_clock(host, checks);
}

}  // namespace rdpmend
