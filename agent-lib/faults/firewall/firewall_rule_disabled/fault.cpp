// The firewall keeps clients out although Remote Desktop is allowed. Only a stock rule that is disabled is repaired,
// and unasked only if this service has seen the host healthy with it enabled a short while ago; all else is somebody's
// decision or more than a rule, and is reported.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "agent-lib/faults/firewall/firewall_picture.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/steps/make.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults::firewall {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_recent = 24h;  // Somebody who disabled a rule longer ago may have got used to it.

// Without having been seen enabled a disabled rule may be how the host is meant to be: behind a gateway, say, or opened
// just in time.
bool was_enabled_lately(const Look& look, const v1::StockFirewallRule& rule) {
  const auto& baseline = look.known.baseline;
  const auto& enabled = baseline.enabled_firewall_rules();
  const auto age = look.host.clock.now() - from_proto(baseline.seen());
  return age >= Duration::zero() && age <= k_recent &&
         std::find(enabled.begin(), enabled.end(), rule.id()) != enabled.end();
}

// Hosts that clients reach by a connection which the host itself makes, or through a broker's agent: they need no open
// port. https://learn.microsoft.com/azure/virtual-desktop/network-connectivity; the names of Citrix's and Omnissa's
// services are theirs and not verified on a host.
std::optional<std::string> reverse_connect_agent(const HostView& host) {
  constexpr std::pair<std::string_view, std::string_view> k_agents[] = {
      {"RDAgentBootLoader", "Azure Virtual Desktop"}, {"BrokerAgent", "Citrix"}, {"WSNM", "Horizon"}};
  for (const auto& [service, product] : k_agents) {
    if (need(host.services.find(service))) return fmt::format("{} (service {})", product, service);
  }
  if (need(read_dword(host.registry, R"(SOFTWARE\Microsoft\RDInfraAgent)", "IsRegistered")))
    return "Azure Virtual Desktop (RDInfraAgent)";
  return std::nullopt;
}

std::string outside_proof(const HostView& host) {
  return fmt::format("whether a client gets in only a client can tell: run 'rdpmend probe {} --report' on one",
                     host.identity.name);
}

constexpr std::string_view k_subject = "Remote Desktop";

// The service that keeps everything out is said, and nothing is repaired by hand of ours.
Case service_down(const FirewallStatus& status) {
  Case found(k_subject, "The firewall service is not running: everything inbound is dropped");
  for (const auto& down : status.services_down) {
    found.saw(
        "service " + down.name,
        down.found ? fmt::format("not running, start type {}", to_string(down.found->start_type)) : "not installed",
        "running, start type automatic", "Service Control Manager");
  }
  return found.advises(
      "Set the start type of BFE and of mpssvc to automatic and start them, BFE first. While they do not run, clients "
      "from outside time out whatever the rules say. Do not switch the firewall off instead.");
}

// What is somebody's decision is said, not changed. The first thing found is the summary.
Case describe(const std::vector<WayIn>& ways) {
  std::string summary;
  std::string names;
  for (const auto& way : ways) {
    if (summary.empty() && !way.obstacles.empty())
      summary = fmt::format("{}: {}", way.obstacles[0].what, way.obstacles[0].found);
    for (const auto* stock : way.disabled) {
      if (names.find(stock->id()) == std::string::npos) names += (names.empty() ? "" : ", ") + stock->id();
    }
  }
  Case found(k_subject, summary.empty() ? fmt::format("Firewall rules disabled: {}", names) : summary);
  for (const auto& way : ways) {
    for (const auto& each : way.obstacles)
      found.saw(each.what, each.found, each.expected, each.source).advises(each.advice);
    for (const auto* stock : way.disabled) {
      found.saw(fmt::format("firewall rule {}", stock->id()), "disabled", "enabled, for " + way.name,
                "local firewall rules");
    }
  }
  return found;
}

// A host that clients reach by its own connection to somewhere is meant to be shut.
Case reached_by(const std::string& agent) {
  return Case(k_subject, fmt::format("TCP is shut, and clients come by {}", agent))
      .saw("how clients reach this host", agent, "the listener's TCP port", "services, registry")
      .advises(
          fmt::format("Clients reach this host by {}, not by a TCP port: it is meant to be shut, and is not opened "
                      "here. Open it by hand only if direct access is wanted besides.",
                      agent));
}

void add_who(const Look& look, Case& found) {
  const auto* signal = look.newest_with("modifying_application");
  if (signal == nullptr) return;
  const auto user = signal->captures().find("modifying_user");
  found.noted("who changed a rule last",
              fmt::format("{} as {}", signal->captures().at("modifying_application"),
                          user == signal->captures().end() ? "unknown" : user->second),
              "", fmt::format("event {} #{}", signal->event_id(), signal->event_record_id()));
}

class FirewallRuleDisabled final : public RepairableFault {
 public:
  std::string_view id() const override { return "firewall_rule_disabled"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto picture = need(read_firewall_picture(look.host));
    if (!picture.status.services_down.empty()) return {service_down(picture.status)};

    const auto ways = need(judge_ways_in(picture));
    if (std::all_of(ways.begin(), ways.end(), [](const WayIn& way) { return way.open(); })) return {};
    if (const auto agent = reverse_connect_agent(look.host)) return {reached_by(*agent)};

    auto found = describe(ways);
    const bool repairable = !rules_to_enable(picture, ways).empty();
    found.can_be_repaired(repairable);
    if (repairable && !all_were_enabled(look, rules_to_enable(picture, ways))) found.asks_first();
    add_who(look, found);
    if (auto report = look.host.listener.probe(ProbeFrom::own_address, k_probe_deadline)) found.noted(*report);
    return {std::move(found)};
  }

  v1::Plan plan(const Look& look, const v1::Diagnosis&) const override {
    PlanDraft plan("Enable the stock Remote Desktop rules again, and nothing else");
    const auto picture = need(read_firewall_picture(look.host));
    const auto ways = need(judge_ways_in(picture));
    for (const auto& way : ways) {
      if (way.repairable()) plan.reads(way.name + ": no Group Policy, no block rule, no other rule in their place");
    }
    plan.rung("The rules as Windows ships them; addresses, ports and profiles stay as they are.");
    for (const auto* rule : rules_to_enable(picture, ways)) {
      plan.step(enable_firewall_rule(rule->id()), rule == picture.tcp_rule
                                                      ? "Without it no client reaches the listener."
                                                      : "Without it sessions fall back to TCP only.");
    }
    return plan;
  }

  // By the effective policy. The listener's answer to the host itself is evidence, and proves nothing here: the
  // firewall lets it pass unseen (measured.md F8).
  v1::Verdict verify(const Look& look, const v1::Diagnosis&, WallTime) const override {
    const auto picture = need(read_firewall_picture(look.host));
    if (!picture.status.services_down.empty()) {
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the firewall service is not running: everything is dropped");
    }
    auto result = judge(picture, need(judge_ways_in(picture)), look.host);
    auto report = look.host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
    if (!report) return result;
    add_probe_evidence(*result.mutable_evidence(), *report);
    *result.mutable_probe() = std::move(*report);
    return result;
  }

 private:
  static v1::Verdict judge(const FirewallPicture& picture, const std::vector<WayIn>& ways, const HostView& host) {
    if (const auto disabled = rules_to_enable(picture, ways); !disabled.empty()) {
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED,
                     fmt::format("rule {} is disabled again", disabled.front()->id()));
    }
    std::string open;
    std::string shut;
    for (const auto& way : ways) {
      auto& names = way.open() ? open : shut;
      names += (names.empty() ? "" : ", ") + way.name;
      if (!way.obstacles.empty()) shut += fmt::format(": {} {}", way.obstacles[0].what, way.obstacles[0].found);
    }
    if (open.empty()) {
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the rules are enabled and without effect: " + shut);
    }
    return verdict(v1::Verdict::RESULT_REPAIRED,
                   fmt::format("the rules are enabled and in force for {}{}; {}", open,
                               shut.empty() ? "" : ", still shut is " + shut, outside_proof(host)));
  }

  static bool all_were_enabled(const Look& look, const std::vector<const v1::StockFirewallRule*>& rules) {
    return std::all_of(rules.begin(), rules.end(), [&](const auto* rule) { return was_enabled_lately(look, *rule); });
  }
};

}  // namespace

std::unique_ptr<Fault> make_firewall_rule_disabled() {
  return std::make_unique<FirewallRuleDisabled>();
}

}  // namespace rdpmend::faults::firewall
