// The firewall keeps clients out although Remote Desktop is allowed. Only a stock rule that is disabled is repaired,
// and unasked only if this service has seen it enabled a short while ago; all else is somebody's decision or more than
// a rule, and is reported.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "agent-lib/faults/evidence.hpp"
#include "agent-lib/faults/firewall_picture.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_recent = 24h;  // Somebody who disabled a rule longer ago may have got used to it.

// When each stock rule was last seen enabled by this service, on the steady clock. Without that a disabled rule may be
// how the host is meant to be: behind a gateway, say, or opened just in time.
class SeenEnabled {
 public:
  void look(const FirewallPicture& picture, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    for (const auto* stock : {picture.tcp_rule, picture.udp_rule}) {
      const auto* rule = find_local(picture, stock->id());
      if (rule != nullptr && rule->enabled && rule->allow) last_[stock->id()] = now;
    }
  }
  bool recently(const v1::StockFirewallRule& rule, SteadyTime now) const {
    const std::scoped_lock lock(mutex_);
    const auto seen = last_.find(rule.id());
    return seen != last_.end() && now - seen->second <= k_recent;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string_view, SteadyTime> last_;
};

// Hosts that clients reach by a connection which the host itself makes, or through a broker's agent: they need no open
// port. https://learn.microsoft.com/azure/virtual-desktop/network-connectivity; the names of Citrix's and Omnissa's
// services are theirs and not verified on a host.
Result<std::optional<std::string>> reverse_connect_agent(const HostView& host) {
  constexpr std::pair<std::string_view, std::string_view> k_agents[] = {
      {"RDAgentBootLoader", "Azure Virtual Desktop"}, {"BrokerAgent", "Citrix"}, {"WSNM", "Horizon"}};
  for (const auto& [service, product] : k_agents) {
    const auto found = host.services.find(service);
    if (!found) return fail(found.error());
    if (*found) return fmt::format("{} (service {})", product, service);
  }
  const auto registered = read_dword(host.registry, R"(SOFTWARE\Microsoft\RDInfraAgent)", "IsRegistered");
  if (!registered) return fail(registered.error());
  if (*registered) return "Azure Virtual Desktop (RDInfraAgent)";
  return std::nullopt;
}

// The local probe proves the listener; the firewall lets it pass unseen (measured.md F8).
void add_own_probe(const HostView& host, google::protobuf::RepeatedPtrField<v1::Evidence>& evidence) {
  if (auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline))
    add_probe_evidence(evidence, *report);
}

std::string outside_proof(const HostView& host) {
  return fmt::format("whether a client gets in only a client can tell: run 'rdpmend probe {} --report' on one",
                     host.identity.name);
}

// The service that keeps everything out is said, and nothing is repaired by hand of ours.
v1::Diagnosis service_down(const FirewallStatus& status) {
  v1::Diagnosis diagnosis;
  diagnosis.set_subject("Remote Desktop");
  diagnosis.set_summary("The firewall service is not running: everything inbound is dropped");
  for (const auto& down : status.services_down) {
    const auto found =
        down.found ? fmt::format("not running, start type {}", to_string(down.found->start_type)) : "not installed";
    add_evidence(*diagnosis.mutable_evidence(), "service " + down.name, found, "running, start type automatic",
                 "Service Control Manager");
  }
  diagnosis.set_advice(
      "Set the start type of BFE and of mpssvc to automatic and start them, BFE first. While they do not run, clients "
      "from outside time out whatever the rules say. Do not switch the firewall off instead.");
  return diagnosis;
}

class FirewallRuleDisabled final : public Fault {
 public:
  std::string_view id() const override { return "firewall_rule_disabled"; }

  Result<std::vector<v1::Diagnosis>> detect(const HostView& host, const v1::Signal& signal) const override {
    const auto picture = read_firewall_picture(host);
    if (picture) seen_.look(*picture, host.clock.steady());
    const auto allowed = remote_desktop_allowed(host);
    if (!allowed) return fail(allowed.error());
    if (!*allowed) return std::vector<v1::Diagnosis>{};
    if (!picture) return fail(picture.error());
    if (!picture->status.services_down.empty()) return std::vector{service_down(picture->status)};

    const auto ways = judge_ways_in(*picture);
    if (!ways) return fail(ways.error());
    if (std::all_of(ways->begin(), ways->end(), [](const WayIn& way) { return way.open(); }))
      return std::vector<v1::Diagnosis>{};
    const auto agent = reverse_connect_agent(host);
    if (!agent) return fail(agent.error());

    auto diagnosis = describe(*ways);
    diagnosis.set_repairable(!rules_to_enable(*picture, *ways).empty());
    if (*agent) add_agent(**agent, diagnosis);
    diagnosis.set_ask_first(diagnosis.repairable() && !all_seen(*picture, *ways, host.clock.steady()));
    add_who(signal, diagnosis);
    add_own_probe(host, *diagnosis.mutable_evidence());
    return std::vector{std::move(diagnosis)};
  }

  Result<v1::Plan> plan(const HostView& host, const v1::Diagnosis& diagnosis) const override {
    v1::Plan plan;
    plan.set_summary("Enable the stock Remote Desktop rules again, and nothing else");
    plan.set_advice(diagnosis.advice());
    if (!diagnosis.repairable()) return plan;
    const auto picture = read_firewall_picture(host);
    if (!picture) return fail(picture.error());
    const auto ways = judge_ways_in(*picture);
    if (!ways) return fail(ways.error());
    for (const auto& way : *ways) {
      if (way.repairable()) plan.add_reads(way.name + ": no Group Policy, no block rule, no other rule in their place");
    }
    auto& rung = *plan.add_rungs();
    rung.set_reason("The rules as Windows ships them; addresses, ports and profiles stay as they are.");
    for (const auto* rule : rules_to_enable(*picture, *ways)) {
      auto& step = *rung.add_steps();
      step.set_reason(rule == picture->tcp_rule ? "Without it no client reaches the listener."
                                                : "Without it sessions fall back to TCP only.");
      step.mutable_enable_firewall_rule()->set_rule_id(rule->id());
    }
    return plan;
  }

  // By the effective policy. The listener's answer to the host itself is evidence, and proves nothing here.
  Result<v1::Verdict> verify(const HostView& host, const v1::Diagnosis&, WallTime) const override {
    const auto picture = read_firewall_picture(host);
    if (!picture) return fail(picture.error());
    if (!picture->status.services_down.empty()) {
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the firewall service is not running: everything is dropped");
    }
    seen_.look(*picture, host.clock.steady());
    const auto ways = judge_ways_in(*picture);
    if (!ways) return fail(ways.error());
    auto result = judge(*picture, *ways, host);
    auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
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

  // What is somebody's decision is said, not changed. The first thing found is the summary.
  static v1::Diagnosis describe(const std::vector<WayIn>& ways) {
    v1::Diagnosis diagnosis;
    diagnosis.set_subject("Remote Desktop");
    auto& evidence = *diagnosis.mutable_evidence();
    std::string names;
    for (const auto& way : ways) {
      for (const auto& each : way.obstacles) {
        add_evidence(evidence, each.what, each.found, each.expected, each.source);
        if (diagnosis.summary().empty()) diagnosis.set_summary(fmt::format("{}: {}", each.what, each.found));
        add_advice(each.advice, diagnosis);
      }
      for (const auto* stock : way.disabled) {
        add_evidence(evidence, fmt::format("firewall rule {}", stock->id()), "disabled", "enabled, for " + way.name,
                     "local firewall rules");
        if (names.find(stock->id()) == std::string::npos) names += (names.empty() ? "" : ", ") + stock->id();
      }
    }
    if (diagnosis.summary().empty()) diagnosis.set_summary(fmt::format("Firewall rules disabled: {}", names));
    return diagnosis;
  }

  static void add_advice(const std::string& advice, v1::Diagnosis& diagnosis) {
    auto& all = *diagnosis.mutable_advice();
    if (all.find(advice) == std::string::npos) all += (all.empty() ? "" : " ") + advice;
  }

  static void add_agent(const std::string& agent, v1::Diagnosis& diagnosis) {
    diagnosis.set_repairable(false);
    diagnosis.set_summary(fmt::format("TCP is shut, and clients come by {}", agent));
    diagnosis.set_advice(fmt::format(
        "Clients reach this host by {}, not by a TCP port: it is meant to be shut, and is not opened here. Open it by "
        "hand only if direct access is wanted besides.",
        agent));
    add_evidence(*diagnosis.mutable_evidence(), "how clients reach this host", agent, "the listener's TCP port",
                 "services, registry");
  }

  bool all_seen(const FirewallPicture& picture, const std::vector<WayIn>& ways, SteadyTime now) const {
    const auto rules = rules_to_enable(picture, ways);
    return std::all_of(rules.begin(), rules.end(), [&](const auto* rule) { return seen_.recently(*rule, now); });
  }

  static void add_who(const v1::Signal& signal, v1::Diagnosis& diagnosis) {
    const auto application = signal.captures().find("modifying_application");
    if (application == signal.captures().end() || application->second.empty()) return;
    const auto user = signal.captures().find("modifying_user");
    add_evidence(
        *diagnosis.mutable_evidence(), "who changed a rule last",
        fmt::format("{} as {}", application->second, user == signal.captures().end() ? "unknown" : user->second), "",
        fmt::format("event {} #{}", signal.event_id(), signal.event_record_id()));
  }

  mutable SeenEnabled seen_;
};

}  // namespace

std::unique_ptr<Fault> make_firewall_rule_disabled();
std::unique_ptr<Fault> make_firewall_rule_disabled() {
  return std::make_unique<FirewallRuleDisabled>();
}

}  // namespace rdpmend::faults
