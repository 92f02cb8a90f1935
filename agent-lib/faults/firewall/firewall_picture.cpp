#include "agent-lib/faults/firewall/firewall_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/host/connection_security.hpp"
#include "agent-lib/knowledge/stock_host.hpp"

namespace rdpmend::faults::firewall {

namespace {

constexpr std::uint32_t k_default_port = 3389;  // Where PortNumber is absent (measured.md L7).
constexpr std::uint32_t k_profiles[] = {k_profile_domain, k_profile_private, k_profile_public};

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

// Whether a rule is about the traffic of a stock rule: inbound, its protocol and port, and TermService or everything.
bool concerns(const FirewallRule& rule, const v1::StockFirewallRule& stock, std::uint32_t port) {
  constexpr std::uint32_t k_any_protocol = 256;
  const auto application = to_ascii_lower(rule.application);
  const auto service = to_ascii_lower(rule.service);
  return rule.inbound && (rule.protocol == stock.protocol() || rule.protocol == k_any_protocol) &&
         lists_port(rule.local_ports, port) && (application.empty() || application.ends_with("svchost.exe")) &&
         (service.empty() || service == "*" || service == "termservice");
}

// LocalPolicyModifyState is about all active profiles together, so it says something of one only where it is alone.
bool local_rules_ignored(const FirewallStatus& status, std::uint32_t profile) {
  return (status.local_rules_ignored & profile) != 0 ||
         (status.modify == LocalPolicyModify::policy_override && status.active_profiles == profile);
}

bool counts(const FirewallRule& rule, const FirewallStatus& status, std::uint32_t profile) {
  return rule.enabled && (rule.profiles & profile) != 0 && (rule.by_policy || !local_rules_ignored(status, profile));
}

// A narrower rule counts, too: then the stock rule is off on purpose.
bool allowed(const FirewallPicture& picture, const v1::StockFirewallRule& stock, std::uint32_t profile) {
  return std::any_of(picture.rules.begin(), picture.rules.end(), [&](const FirewallRule& rule) {
    return rule.allow && counts(rule, picture.status, profile) && concerns(rule, stock, picture.port);
  });
}

// The stock rule is there, allows the listener's port in this profile, and is disabled without another in its place.
// On a port of its own the listener needs a rule of its own.
bool wrongly_disabled(const FirewallPicture& picture, const v1::StockFirewallRule& stock, std::uint32_t profile) {
  const auto* rule = find_local(picture, stock.id());
  return rule != nullptr && !rule->enabled && rule->allow && (rule->profiles & profile) != 0 &&
         concerns(*rule, stock, picture.port) && !allowed(picture, stock, profile);
}

// A rule in force that blocks the port for everybody, the stock rule itself turned to Block among them. Blocks of
// single addresses are what brute-force guards make; one interface or one user is not everybody either.
const FirewallRule* find_block(const FirewallPicture& picture, std::uint32_t profile) {
  const auto found = std::find_if(picture.rules.begin(), picture.rules.end(), [&](const FirewallRule& rule) {
    return !rule.allow && counts(rule, picture.status, profile) && concerns(rule, *picture.tcp_rule, picture.port) &&
           (rule.remote_addresses.empty() || rule.remote_addresses == "*") && !rule.narrowed;
  });
  return found == picture.rules.end() ? nullptr : &*found;
}

const FirewallRule* find_enabled_elsewhere(const FirewallPicture& picture) {
  const auto found = std::find_if(picture.rules.begin(), picture.rules.end(), [&](const FirewallRule& rule) {
    return rule.allow && rule.enabled && concerns(rule, *picture.tcp_rule, picture.port);
  });
  return found == picture.rules.end() ? nullptr : &*found;
}

// Enabled for another profile only, or for no port of the listener's: nothing is widened here.
Obstacle nothing_allows(const FirewallPicture& picture, const WayIn& way) {
  const auto profile = profiles_to_string(way.profile);
  if (local_rules_ignored(picture.status, way.profile)) {
    return {"firewall policy", "Group Policy overrides local rules", "local rules apply, for " + way.name,
            "LocalPolicyModifyState, AllowLocalPolicyMerge",
            "Group Policy decides about firewall rules here: allow Remote Desktop there."};
  }
  if (const auto* other = find_enabled_elsewhere(picture)) {
    return {fmt::format("firewall rule {}", other->id),
            fmt::format("enabled for {} only", profiles_to_string(other->profiles)),
            fmt::format("enabled for {}, the profile of {}", profile, way.name), "firewall rules, network category",
            fmt::format("Clients come in by {}, for whose profile no rule is enabled. Find out why that network is {}, "
                        "and correct its category if it is wrong. Do not enable the rule for public networks.",
                        way.name, profile)};
  }
  return {fmt::format("TCP port {} of the listener", picture.port), "covered by no enabled allow rule",
          fmt::format("an allow rule for {}, the profile of {}", profile, way.name), "PortNumber, firewall rules",
          fmt::format("Make a rule of its own for TCP port {}, if clients shall reach it. The stock rules are for "
                      "port {}: enabling them does not help, and they are not to be widened.",
                      picture.port, picture.tcp_rule->local_ports())};
}

struct SecurityJudgement {
  std::vector<Obstacle> obstacles;
  std::string unknown;  // A rule that cannot be judged.
};

SecurityJudgement judge_security(const FirewallPicture& picture, const WayIn& way) {
  SecurityJudgement judgement;
  if (!picture.security_rules) {
    judgement.unknown = "connection security rules cannot be read: " + to_string(picture.security_rules.error());
    return judgement;
  }
  for (const auto& rule : *picture.security_rules) {
    const auto effect = security_effect(rule, picture.status, picture.port, way.profile);
    if (effect == SecurityEffect::none) continue;
    const auto what = fmt::format("connection security rule {}", rule.id);
    if (effect == SecurityEffect::unknown) {
      judgement.unknown = what + " has a text that cannot be judged";
      continue;
    }
    const auto* how = effect == SecurityEffect::blocks ? "drops" : "may drop";
    judgement.obstacles.push_back(
        {what, fmt::format("{} clients that come without IPsec", how),
         fmt::format("none that requires security of TCP port {} on {}", picture.port, way.name),
         rule.by_policy ? "Group Policy, ConSecRules" : "local ConSecRules",
         fmt::format("Rule {} requires IPsec of inbound connections and {} everybody else, without a trace. Find out "
                     "whose decision that is; if nobody's, disable it by hand and delete nothing of it.",
                     rule.id, how)});
  }
  return judgement;
}

void add_firewall_obstacles(const FirewallPicture& picture, WayIn& way) {
  if (const auto* block = find_block(picture, way.profile)) {
    way.obstacles.push_back({fmt::format("firewall rule {}", block->id), "blocks the port",
                             "no block rule for the listener's port on " + way.name,
                             block->by_policy ? "Group Policy" : "local rules",
                             fmt::format("Rule {} blocks Remote Desktop. A block is a decision or an attack: find out "
                                         "whose, then remove it by hand.",
                                         block->id)});
  }
  if ((picture.status.block_all_inbound & way.profile) != 0) {
    way.obstacles.push_back(
        {fmt::format("firewall profile {}", profiles_to_string(way.profile)), "blocks all inbound connections",
         "allows what rules allow, on " + way.name, "BlockAllInboundTraffic",
         fmt::format("\"Block all incoming connections\" is on for {}: switch it off if Remote Desktop is wanted.",
                     way.name)});
  }
}

// Of the firewall's rules.
void judge_rules(const FirewallPicture& picture, WayIn& way) {
  if ((picture.status.enabled_profiles & way.profile) == 0) return;  // The firewall is off.
  add_firewall_obstacles(picture, way);
  if ((picture.status.allow_by_default & way.profile) != 0) return;
  const bool ignored = local_rules_ignored(picture.status, way.profile);
  const bool tcp_disabled = wrongly_disabled(picture, *picture.tcp_rule, way.profile);
  if (tcp_disabled && !ignored) way.disabled.push_back(picture.tcp_rule);
  if (picture.udp && !ignored && wrongly_disabled(picture, *picture.udp_rule, way.profile))
    way.disabled.push_back(picture.udp_rule);
  const bool said = !way.obstacles.empty() || (tcp_disabled && !ignored);
  if (!said && !allowed(picture, *picture.tcp_rule, way.profile)) way.obstacles.push_back(nothing_allows(picture, way));
}

void add_profiles(std::uint32_t profiles, const std::string& of, std::vector<WayIn>& ways) {
  for (const auto profile : k_profiles) {
    if ((profiles & profile) == 0) continue;
    const auto name = profiles_to_string(profile);
    ways.push_back({of.empty() ? "profile " + name : fmt::format("interface {} ({})", of, name), profile, {}, {}});
  }
}

// An interface whose profile is not known may have any of the active ones.
std::vector<WayIn> ways_in(const FirewallStatus& status) {
  std::vector<WayIn> ways;
  for (const auto& each : status.interfaces) {
    if (!each.carries_clients) continue;
    add_profiles(each.profile != 0 ? each.profile : status.active_profiles, each.name, ways);
  }
  if (ways.empty()) add_profiles(status.active_profiles, "", ways);
  return ways;
}

Result<bool> uses_udp(const HostView& host) {
  constexpr std::uint32_t k_tcp_only = 1;  // SelectTransport, TerminalServer.admx
  const auto transport = read_dword(host.registry, registry_key::k_policy, "SelectTransport");
  if (!transport) return fail(transport.error());
  return !*transport || **transport != k_tcp_only;
}

// Every stock host has both: a test says so.
const v1::StockFirewallRule* listener_rule(const v1::StockHost& stock, std::uint32_t protocol) {
  const auto& rules = stock.firewall_rules();
  return &*std::find_if(rules.begin(), rules.end(), [&](const v1::StockFirewallRule& rule) {
    return rule.protocol() == protocol && rule.service() == "termservice";
  });
}

}  // namespace

Result<FirewallPicture> read_firewall_picture(const HostView& host) {
  const auto port = read_dword(host.registry, registry_key::k_rdp_tcp, "PortNumber");
  if (!port) return fail(port.error());
  const auto udp = uses_udp(host);
  if (!udp) return fail(udp.error());
  auto status = host.firewall.status();
  if (!status) return fail(std::move(status).error().context("cannot read the firewall's status"));
  const auto stock = stock_of(host.registry);
  if (!stock) return fail(stock.error());
  constexpr std::uint32_t k_tcp = 6, k_udp = 17;
  FirewallPicture picture{static_cast<std::uint16_t>(port->value_or(k_default_port)),
                          *udp,
                          std::move(*status),
                          {},
                          {},
                          listener_rule(stock->host(), k_tcp),
                          listener_rule(stock->host(), k_udp)};
  if (!picture.status.services_down.empty()) return picture;
  auto rules = host.firewall.rules("");
  if (!rules) return fail(std::move(rules).error().context("cannot read the firewall's rules"));
  picture.rules = std::move(*rules);
  picture.security_rules = host.firewall.security_rules();
  return picture;
}

Result<std::vector<WayIn>> judge_ways_in(const FirewallPicture& picture) {
  auto ways = ways_in(picture.status);
  std::string unknown;
  for (auto& way : ways) {
    auto security = judge_security(picture, way);
    way.obstacles = std::move(security.obstacles);
    judge_rules(picture, way);
    if (unknown.empty()) unknown = std::move(security.unknown);
  }
  const bool all_open = std::all_of(ways.begin(), ways.end(), [](const WayIn& way) { return way.open(); });
  if (all_open && !unknown.empty()) return fail(ErrorCode::unavailable, unknown);
  return ways;
}

std::vector<const v1::StockFirewallRule*> rules_to_enable(const FirewallPicture& picture,
                                                          const std::vector<WayIn>& ways) {
  std::vector<const v1::StockFirewallRule*> rules;
  for (const auto* stock : {picture.tcp_rule, picture.udp_rule}) {
    const bool wanted = std::any_of(ways.begin(), ways.end(), [&](const WayIn& way) {
      return way.repairable() && std::find(way.disabled.begin(), way.disabled.end(), stock) != way.disabled.end();
    });
    if (wanted) rules.push_back(stock);
  }
  return rules;
}

const FirewallRule* find_local(const FirewallPicture& picture, std::string_view id) {
  const auto found = std::find_if(picture.rules.begin(), picture.rules.end(),
                                  [&](const auto& rule) { return rule.id == id && !rule.by_policy; });
  return found == picture.rules.end() ? nullptr : &*found;
}

}  // namespace rdpmend::faults::firewall
