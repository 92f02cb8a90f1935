#include "agent-lib/win32/firewall_rule_text.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace rdpmend::win32 {

namespace {

constexpr std::uint32_t k_any_protocol = 256;  // NET_FW_IP_PROTOCOL_ANY

// A field may come more than once: several ports, profiles, addresses.
void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

std::uint32_t profile_of(std::string_view name) {
  if (name == "Domain") return k_profile_domain;
  if (name == "Private") return k_profile_private;
  if (name == "Public") return k_profile_public;
  return 0;
}

// Fields that do not narrow a rule. Any other does, those of builds to come among them.
constexpr std::string_view k_no_limits[] = {"Name",      "Desc",   "Edge",    "Defer",         "LSM",
                                            "LOM",       "PCross", "SkipVer", "AuthByPassOut", "Platform",
                                            "Platform2", "ICMP4",  "ICMP6"};

bool narrows(std::string_view name) {
  return std::find(std::begin(k_no_limits), std::end(k_no_limits), name) == std::end(k_no_limits);
}

// A package, by its SID or, on newer builds, its family name; or the user to whom all its traffic belongs: such a rule
// comes with each packaged app, names neither port nor program, and is about no service.
// https://learn.microsoft.com/windows/win32/api/netfw/nf-netfw-inetfwrule3-get_localuserowner
bool is_of_an_app(std::string_view name) {
  return name == "AppPkgId" || name == "PFN" || name == "LUOwn";
}

struct Reading {
  FirewallRule rule;
  std::uint32_t profiles = 0;
  bool protocol_given = false;
  bool of_an_app = false;

  void take(std::string_view name, std::string_view value) {
    if (name == "Action") {
      rule.allow = value != "Block";
    } else if (name == "Active") {
      rule.enabled = value == "TRUE";
    } else if (name == "Dir") {
      rule.inbound = value == "In";
    } else if (name == "Protocol") {
      std::from_chars(value.data(), value.data() + value.size(), rule.protocol);
      protocol_given = true;
    } else if (name.starts_with("LPort")) {  // LPort2_10 has ranges, LPort2_20 and later have keywords.
      append(rule.local_ports, value);
    } else if (name == "Profile") {
      profiles |= profile_of(value);
    } else if (name == "App") {
      rule.application = value;
    } else if (name == "Svc") {
      rule.service = value;
    } else if (name == "EmbedCtxt") {
      rule.group = value;
    } else if (name.starts_with("RA4") || name.starts_with("RA6")) {  // RA42 and RA62 have keywords only.
      // Keywords are given once for IPv4 and once for IPv6.
      if (rule.remote_addresses != value) append(rule.remote_addresses, value);
    } else if (is_of_an_app(name)) {
      of_an_app = true;
    } else if (narrows(name)) {
      rule.narrowed = true;
    }
  }

  FirewallRule finish() && {
    rule.profiles = profiles == 0 ? k_profile_all : profiles;
    if (!protocol_given) rule.protocol = k_any_protocol;
    if (rule.local_ports.empty()) rule.local_ports = "*";
    if (rule.remote_addresses.empty()) rule.remote_addresses = "*";
    return std::move(rule);
  }
};

}  // namespace

std::optional<FirewallRule> parse_rule_text(std::string id, std::string_view text) {
  if (!text.starts_with('v')) return std::nullopt;
  Reading reading;
  reading.rule.id = std::move(id);
  auto rest = text.substr(std::min(text.size(), text.find('|')));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto field = rest.substr(0, rest.find('|'));
    rest.remove_prefix(field.size());
    const auto equals = field.find('=');
    if (equals != std::string_view::npos) reading.take(field.substr(0, equals), field.substr(equals + 1));
  }
  if (reading.of_an_app) return std::nullopt;
  return std::move(reading).finish();
}

}  // namespace rdpmend::win32
