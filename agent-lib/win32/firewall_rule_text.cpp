#include "agent-lib/win32/firewall_rule_text.hpp"

#include <charconv>

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

struct Reading {
  FirewallRule rule;
  std::uint32_t profiles = 0;
  bool protocol_given = false;

  void take(std::string_view name, std::string_view value) {
    if (name == "Action") rule.allow = value != "Block";
    if (name == "Active") rule.enabled = value == "TRUE";
    if (name == "Dir") rule.inbound = value == "In";
    if (name == "Protocol") {
      std::from_chars(value.data(), value.data() + value.size(), rule.protocol);
      protocol_given = true;
    }
    if (name == "LPort" || name == "LPort2_10") append(rule.local_ports, value);
    if (name == "Profile") profiles |= profile_of(value);
    if (name == "App") rule.application = value;
    if (name == "Svc") rule.service = value;
    if (name == "EmbedCtxt") rule.group = value;
    // Keywords are given once for IPv4 and once for IPv6.
    if ((name == "RA4" || name == "RA6") && rule.remote_addresses != value) append(rule.remote_addresses, value);
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
  return std::move(reading).finish();
}

}  // namespace rdpmend::win32
