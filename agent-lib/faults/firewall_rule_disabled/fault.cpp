// The stock inbound Remote Desktop rules are disabled although Remote Desktop is allowed. Rules are matched by id and
// properties, never by display name; what looks like a decision (Block, Group Policy, block all, a rule of one's own)
// is reported or left alone.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent-lib/faults/evidence.hpp"

namespace rdpmend::faults {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t k_default_port = 3389;
constexpr Duration k_probe_deadline = 5s;
constexpr Duration k_settle =
    10s;  // The filter platform applies a rule within moments; more means that it does not help.

struct StockRule {
  std::string_view id;
  std::uint32_t protocol;
};
constexpr StockRule k_tcp_rule{"RemoteDesktop-UserMode-In-TCP", 6};
constexpr StockRule k_udp_rule{"RemoteDesktop-UserMode-In-UDP", 17};

struct Picture {
  std::uint32_t port = k_default_port;  // The listener's.
  FirewallStatus status;
  std::vector<FirewallRule> rules;  // Of all groups.
};

// "3389", "80,3000-4000", "*" or nothing for any.
bool lists_port(std::string_view ports, std::uint32_t port) {
  if (ports.empty() || ports == "*") return true;
  while (!ports.empty()) {
    const auto item = ports.substr(0, ports.find(','));
    ports.remove_prefix(std::min(ports.size(), item.size() + 1));
    const auto dash = item.find('-');
    const auto number = [](std::string_view text) {
      std::uint32_t value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return value;
    };
    const auto first = number(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(item.substr(dash + 1));
    if (first <= port && port <= last) return true;
  }
  return false;
}

std::string to_lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// Whether a rule is about the traffic of a stock rule: inbound, its protocol and port, and TermService or everything.
bool concerns(const FirewallRule& rule, const StockRule& stock, std::uint32_t port) {
  constexpr std::uint32_t k_any_protocol = 256;
  const auto application = to_lower(rule.application);
  const auto service = to_lower(rule.service);
  return rule.inbound && (rule.protocol == stock.protocol || rule.protocol == k_any_protocol) &&
         lists_port(rule.local_ports, port) && (application.empty() || application.ends_with("svchost.exe")) &&
         (service.empty() || service == "*" || service == "termservice");
}

bool active(const FirewallRule& rule, const FirewallStatus& status) {
  return rule.enabled && (rule.profiles & status.active_profiles) != 0;
}

Result<Picture> read_picture(const HostView& host) {
  const auto port = read_dword(host.registry, registry_key::k_rdp_tcp, "PortNumber");
  if (!port) return fail(port.error());
  auto status = host.firewall.status();
  if (!status) return fail(std::move(status).error().context("cannot read the firewall's status"));
  auto rules = host.firewall.rules("");
  if (!rules) return fail(std::move(rules).error().context("cannot read the firewall's rules"));
  return Picture{port->value_or(k_default_port), *status, std::move(*rules)};
}

const FirewallRule* find_local(const Picture& picture, std::string_view id) {
  const auto found = std::find_if(picture.rules.begin(), picture.rules.end(),
                                  [&](const auto& rule) { return rule.id == id && !rule.by_policy; });
  return found == picture.rules.end() ? nullptr : &*found;
}

// Another enabled rule lets the same traffic in: then the stock rule is off on purpose, perhaps for a narrower one.
bool allowed_otherwise(const Picture& picture, const StockRule& stock) {
  return std::any_of(picture.rules.begin(), picture.rules.end(), [&](const FirewallRule& rule) {
    return rule.id != stock.id && rule.allow && active(rule, picture.status) && concerns(rule, stock, picture.port);
  });
}

// The stock rule is there, allows the listener's port in an active profile, and is disabled without another in its
// place. On a port of its own the listener has rules of its own.
bool wrongly_disabled(const Picture& picture, const StockRule& stock) {
  const auto* rule = find_local(picture, stock.id);
  return rule != nullptr && !rule->enabled && rule->allow && (rule->profiles & picture.status.active_profiles) != 0 &&
         concerns(*rule, stock, picture.port) && !allowed_otherwise(picture, stock);
}

// A rule in force that blocks the port for everybody, the stock rule itself turned to Block among them. Blocks of
// single addresses are what brute-force guards make; one interface or one user is not everybody either.
const FirewallRule* find_block(const Picture& picture) {
  const auto found = std::find_if(picture.rules.begin(), picture.rules.end(), [&](const FirewallRule& rule) {
    return !rule.allow && active(rule, picture.status) && concerns(rule, k_tcp_rule, picture.port) &&
           (rule.remote_addresses.empty() || rule.remote_addresses == "*") && !rule.narrowed;
  });
  return found == picture.rules.end() ? nullptr : &*found;
}

Result<bool> uses_udp(const HostView& host) {
  constexpr std::uint32_t k_tcp_only = 1;  // SelectTransport, TerminalServer.admx
  const auto transport = read_dword(host.registry, registry_key::k_policy, "SelectTransport");
  if (!transport) return fail(transport.error());
  return !*transport || **transport != k_tcp_only;
}

Result<std::vector<StockRule>> disabled_rules(const HostView& host, const Picture& picture) {
  std::vector<StockRule> disabled;
  if (wrongly_disabled(picture, k_tcp_rule)) disabled.push_back(k_tcp_rule);
  const auto udp = uses_udp(host);
  if (!udp) return fail(udp.error());
  if (*udp && wrongly_disabled(picture, k_udp_rule)) disabled.push_back(k_udp_rule);
  return disabled;
}

class FirewallRuleDisabled final : public Fault {
 public:
  std::string_view id() const override { return "firewall_rule_disabled"; }

  Result<std::optional<v1::Diagnosis>> detect(const HostView& host, const v1::Signal& signal) const override {
    const auto allowed = remote_desktop_allowed(host);
    if (!allowed) return fail(allowed.error());
    if (!*allowed) return std::nullopt;

    const auto picture = read_picture(host);
    if (!picture) return fail(picture.error());
    if ((picture->status.active_profiles & picture->status.enabled_profiles) == 0)
      return std::nullopt;  // The firewall is off.
    const auto disabled = disabled_rules(host, *picture);
    if (!disabled) return fail(disabled.error());

    v1::Diagnosis diagnosis;
    diagnosis.set_subject("Remote Desktop");
    add_decisions(*picture, *disabled, diagnosis);
    if (disabled->empty() && diagnosis.advice().empty()) return std::nullopt;
    add_disabled(*picture, *disabled, signal, diagnosis);
    if (auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline))
      add_probe_evidence(*diagnosis.mutable_evidence(), *report);
    diagnosis.set_repairable(diagnosis.advice().empty());
    return diagnosis;
  }

  Result<v1::Plan> plan(const HostView& host, const v1::Diagnosis& diagnosis) const override {
    v1::Plan plan;
    plan.set_summary("Enable the stock Remote Desktop rules again, and nothing else");
    if (!diagnosis.repairable()) {
      plan.set_advice(diagnosis.advice());
      return plan;
    }
    const auto picture = read_picture(host);
    if (!picture) return fail(picture.error());
    const auto disabled = disabled_rules(host, *picture);
    if (!disabled) return fail(disabled.error());
    plan.add_reads(fmt::format("active profiles: {}; no Group Policy, no block rule, no other rule in their place",
                               profiles_to_string(picture->status.active_profiles)));
    auto& rung = *plan.add_rungs();
    rung.set_reason("The rules as Windows ships them; addresses, ports and profiles stay as they are.");
    for (const auto& rule : *disabled) {
      auto& step = *rung.add_steps();
      step.set_reason(rule.protocol == k_tcp_rule.protocol ? "Without it no client reaches the listener."
                                                           : "Without it sessions fall back to TCP only.");
      step.mutable_enable_firewall_rule()->set_rule_id(std::string(rule.id));
    }
    return plan;
  }

  Result<v1::Verdict> verify(const HostView& host, const v1::Diagnosis&, WallTime since) const override {
    const auto picture = read_picture(host);
    if (!picture) return fail(picture.error());
    const auto disabled = disabled_rules(host, *picture);
    if (!disabled) return fail(disabled.error());
    if (!disabled->empty()) {
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, fmt::format("rule {} is disabled again", disabled->front().id));
    }
    auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
    if (!report) return fail(report.error());
    const bool reached = report->stage() >= v1::PROBE_STAGE_CONNECTED;
    v1::Verdict result;
    if (reached) {
      result = verdict(v1::Verdict::RESULT_REPAIRED,
                       report->outcome() == v1::PROBE_OUTCOME_OK
                           ? "the rules are enabled and a handshake from outside in succeeds"
                           : "the rules are enabled and the listener is reached; what fails now is another matter: " +
                                 report->detail());
    } else if (host.clock.now() - since > k_settle) {
      result = verdict(v1::Verdict::RESULT_NOT_REPAIRED,
                       "the rules are enabled, but the listener is still not reached: " + report->detail());
    } else {
      result = ask_again("the rules are enabled, but the listener is not reached yet", 1s);
    }
    add_probe_evidence(*result.mutable_evidence(), *report);
    *result.mutable_probe() = std::move(*report);
    return result;
  }

 private:
  // What is somebody's decision: said, not changed. The last one found is the advice.
  static void add_decisions(const Picture& picture, const std::vector<StockRule>& disabled, v1::Diagnosis& diagnosis) {
    auto& evidence = *diagnosis.mutable_evidence();
    const auto report = [&](std::string_view what, std::string_view found, std::string_view expected,
                            std::string_view source, std::string advice) {
      add_evidence(evidence, what, found, expected, source);
      diagnosis.set_summary(fmt::format("{}: {}", what, found));
      diagnosis.set_advice(std::move(advice));
    };
    if (!disabled.empty() &&
        (picture.status.local_rules_ignored || picture.status.modify == LocalPolicyModify::policy_override)) {
      report("firewall policy", "Group Policy overrides local rules", "local rules apply",
             "LocalPolicyModifyState, AllowLocalPolicyMerge",
             "Group Policy decides about firewall rules here: allow Remote Desktop there.");
    }
    if (const auto* block = find_block(picture)) {
      report(fmt::format("firewall rule {}", block->id), "blocks the port", "no block rule for the listener's port",
             block->by_policy ? "Group Policy" : "local rules",
             fmt::format("Rule {} blocks Remote Desktop. A block is a decision or an attack: find out whose, then "
                         "remove it by hand.",
                         block->id));
    }
    if (picture.status.block_all_inbound || picture.status.modify == LocalPolicyModify::inbound_blocked) {
      report(
          "firewall profile", "blocks all inbound connections", "allows what rules allow", "BlockAllInboundTraffic",
          "\"Block all incoming connections\" is on for an active profile: switch it off if Remote Desktop is wanted.");
    }
  }

  static void add_disabled(const Picture& picture, const std::vector<StockRule>& disabled, const v1::Signal& signal,
                           v1::Diagnosis& diagnosis) {
    std::string names;
    for (const auto& stock : disabled) {
      names += (names.empty() ? "" : ", ") + std::string(stock.id);
      add_evidence(
          *diagnosis.mutable_evidence(), fmt::format("firewall rule {}", stock.id), "disabled",
          fmt::format("enabled in the active profiles ({})", profiles_to_string(picture.status.active_profiles)),
          "local firewall rules");
    }
    if (diagnosis.summary().empty()) diagnosis.set_summary(fmt::format("Firewall rules disabled: {}", names));
    const auto application = signal.captures().find("modifying_application");
    if (application != signal.captures().end() && !application->second.empty()) {
      const auto user = signal.captures().find("modifying_user");
      add_evidence(
          *diagnosis.mutable_evidence(), "who changed a rule last",
          fmt::format("{} as {}", application->second, user == signal.captures().end() ? "unknown" : user->second), "",
          fmt::format("event {} #{}", signal.event_id(), signal.event_record_id()));
    }
  }
};

}  // namespace

std::unique_ptr<Fault> make_firewall_rule_disabled();
std::unique_ptr<Fault> make_firewall_rule_disabled() {
  return std::make_unique<FirewallRuleDisabled>();
}

}  // namespace rdpmend::faults
