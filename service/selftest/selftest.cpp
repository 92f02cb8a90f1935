#include "service/selftest/selftest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "service/exit_codes.hpp"
#include "service/hosting/host_session.hpp"
#include "service/selftest/findings.hpp"

namespace rdpmend {

std::vector<Finding> check_host(const HostView& host) {
  std::vector<Finding> all;
  check_registry(host, all);
  check_services(host, all);
  check_certificates(host, all);
  check_firewall(host, all);
  check_listener(host, all);
  check_events(host, all);
  return all;
}

std::vector<Finding> check_all(const HostView& host) {
  auto all = check_host(host);
  if (host.identity.kind != "windows") return all;
  auto more = check_operating_system();
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return all;
}

int selftest_this_machine(const SelftestOptions& options) {
  auto host = open_this_machine();
  if (!host) {
    fmt::print(stderr, "rdpmendd: {}\n", to_string(host.error()));
    return exit_code::k_refused;
  }
  const auto view = (*host)->control().view();
  const auto findings = check_all(view);
  fmt::print("{}", options.format == "json" ? to_json(findings, view.identity) : to_table(findings));
  std::fflush(stdout);
  const bool differs = std::any_of(findings.begin(), findings.end(),
                                   [](const auto& f) { return f.outcome == Finding::Outcome::differs; });
  return differs ? exit_code::k_differs : exit_code::k_ok;
}

}  // namespace rdpmend
