// From the network in: firewall rules, who listens, and one handshake.
#include <fmt/format.h>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/faults/certificate/listener_certificate.hpp"
#include "service/selftest/checks.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_probe_deadline = std::chrono::seconds{5};

// Windows ships the rules for port 3389; one that follows a listener whose port was moved is as good.
bool covers(const std::string& ports, const v1::StockFirewallRule& rule, const HostView& host) {
  if (ports == rule.local_ports()) return true;
  const auto listener = read_dword(host.registry, registry_key::k_rdp_tcp, "PortNumber");
  return rule.local_ports() != "*" && listener && *listener && ports == std::to_string(**listener);
}

void check_rule(const HostView& host, const v1::StockFirewallRule& rule, Checks& checks) {
  const Assumption assumption{
      fmt::format("rule {}", rule.id()),
      fmt::format("inbound, protocol {}, port {}{}{}{}, in group {}", rule.protocol(), rule.local_ports(),
                  rule.local_ports() == "*" ? "" : " or the listener's", rule.service().empty() ? "" : ", service ",
                  rule.service(), k_remote_desktop_group),
      who_says(rule)};
  const auto found = find_local_rule(host.firewall, rule.id());
  if (!found) return checks.failed(assumption, found.error());
  if (!*found) return checks.differs(assumption, "no such rule");
  const bool as_assumed = (*found)->inbound && (*found)->protocol == rule.protocol() &&
                          covers((*found)->local_ports, rule, host) &&
                          equals_ignoring_case((*found)->service, rule.service());
  checks.compare(as_assumed, assumption,
                 fmt::format("{}{}", (*found)->enabled ? "enabled, " : "disabled, ", definition_of(**found)));
}

void check_status(const Firewall& firewall, Checks& checks) {
  const Assumption assumption{"firewall", "local rules count: not overridden, not \"block all\"", "rdp-host.md 4.2"};
  const auto status = firewall.status();
  if (!status) return checks.failed(assumption, status.error());
  if (!status->services_down.empty()) {
    return checks.differs(assumption, fmt::format("service {} does not run", status->services_down.front().name));
  }
  const auto active = [&](std::uint32_t profiles) { return (profiles & status->active_profiles) != 0; };
  const bool local_counts = !active(status->block_all_inbound) && !active(status->local_rules_ignored) &&
                            status->modify == LocalPolicyModify::ok;
  checks.compare(local_counts, assumption,
                 fmt::format("active profiles: {}; on in: {}{}{}{}", profiles_to_string(status->active_profiles),
                             profiles_to_string(status->enabled_profiles),
                             active(status->block_all_inbound) ? "; blocks all inbound" : "",
                             active(status->local_rules_ignored) ? "; local rules are ignored by policy" : "",
                             status->modify == LocalPolicyModify::policy_override ? "; policy overrides" : ""));
}

void check_owner(const HostView& host, Checks& checks) {
  const Assumption assumption{"owner of the listener's port", "TermService's process", "rdp-host.md 5"};
  const auto state = host.listener.state();
  if (!state) return checks.failed(assumption, state.error());
  const auto service = host.services.find(service_name::k_term_service);
  if (!service) return checks.failed(assumption, service.error());
  if (!state->listening) return checks.differs(assumption, fmt::format("nothing listens on port {}", state->port));
  const auto pid = *service ? (*service)->pid : 0;
  checks.compare(state->owner_pid == pid && pid != 0, assumption,
                 fmt::format("port {}, process {}; TermService is {}", state->port, state->owner_pid.value_or(0), pid));
}

// Leaves the events of one connection in the logs, and nothing else.
void check_handshake(const HostView& host, Checks& checks) {
  const Assumption assumption{"handshake with the listener over loopback", "TLS with the registered certificate",
                              "rdp-host.md 6.3"};
  const auto report = host.listener.probe(ProbeFrom::loopback, k_probe_deadline);
  if (!report) return checks.failed(assumption, report.error());
  const auto registered = faults::certificate::read_listener_certificate(host);
  if (!registered) return checks.failed(assumption, registered.error());
  const bool as_assumed = report->outcome() == v1::PROBE_OUTCOME_OK && report->certificate().sha1() == registered->sha1;
  checks.compare(as_assumed, assumption,
                 report->outcome() == v1::PROBE_OUTCOME_OK
                     ? fmt::format("{}, certificate {}, response {}", report->tls_protocol(),
                                   report->certificate().sha1(), report->selected_protocol())
                     : report->detail());
}

}  // namespace

void check_firewall(const HostView& host, v1::SelfTestResponse& all) {
  Checks checks("firewall", all);
  check_status(host.firewall, checks);
  for (const auto& rule : assumed_stock(host.registry).host().firewall_rules()) check_rule(host, rule, checks);
}

void check_listener(const HostView& host, v1::SelfTestResponse& all) {
  Checks checks("listener", all);
  check_owner(host, checks);
  check_handshake(host, checks);
}

}  // namespace rdpmend
