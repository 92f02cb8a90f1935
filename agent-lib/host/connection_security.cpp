#include "agent-lib/host/connection_security.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <set>
#include <string>

namespace rdpmend {

namespace {

// Tokens that say who the rule is and how it secures, not which traffic it is about.
constexpr std::string_view k_no_limits[] = {"Name",     "Desc",       "EmbedCtxt", "Auth1Set",
                                            "Auth2Set", "Crypto2Set", "Platform",  "Platform2"};
// Tokens that make it a rule for some traffic only: addresses, remote ports, interfaces, tunnels (measured.md P4).
constexpr std::string_view k_limits[] = {"EP1_4",       "EP1_6", "EP2_4",  "EP2_6",  "EP2Port",
                                         "EP2Port2_10", "IF",    "IFType", "SkipVer"};
// Of these there may be several.
constexpr std::string_view k_repeatable[] = {"EP1_4",   "EP1_6",       "EP2_4",   "EP2_6",    "EP1Port",  "EP1Port2_10",
                                             "EP2Port", "EP2Port2_10", "Profile", "Platform", "Platform2"};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "3389" or "3000-4000"; nullopt: neither.
std::optional<bool> contains_port(std::string_view ports, std::uint16_t port) {
  const auto dash = ports.find('-');
  const auto first = number_of(ports.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : number_of(ports.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  return *first <= port && port <= *last;
}

std::uint32_t profile_of(std::string_view name) {
  if (name == "Domain") return k_profile_domain;
  if (name == "Private") return k_profile_private;
  if (name == "Public") return k_profile_public;
  return 0;
}

struct Reading {
  std::uint16_t port;
  std::set<std::string, std::less<>> seen;
  bool understood = true;
  bool understood_active = true;
  bool active = false;
  bool insists = false;
  bool of_tcp = true;
  bool narrowed = false;
  bool ports_given = false;
  bool of_port = false;
  std::uint32_t profiles = 0;

  void take_action(std::string_view value) {
    insists = value == "Secure" || value == "SecureServer";
    if (!insists && value != "Boundary" && value != "DoNotSecure") understood = false;
  }
  void take_port(std::string_view value) {
    ports_given = true;
    const auto contained = contains_port(value, port);
    if (!contained) understood = false;
    if (contained.value_or(false)) of_port = true;
  }
  void take(std::string_view name, std::string_view value) {
    const bool first = seen.emplace(name).second;
    if (!first && !is_one_of(name, k_repeatable)) understood = false;
    if (name == "Active") {
      active = value == "TRUE";
      if (!first || (value != "TRUE" && value != "FALSE")) understood_active = understood = false;
    } else if (name == "Action") {
      take_action(value);
    } else if (name == "Protocol") {
      const auto protocol = number_of(value);
      if (!protocol) understood = false;
      of_tcp = protocol == 6U;
    } else if (name == "EP1Port" || name == "EP1Port2_10") {
      take_port(value);
    } else if (name == "Profile") {
      profiles |= profile_of(value);
      if (profile_of(value) == 0) understood = false;
    } else if (is_one_of(name, k_limits) || name.starts_with("RTunnel") || name.starts_with("LTunnel")) {
      narrowed = true;
    } else if (!is_one_of(name, k_no_limits)) {
      understood = false;
    }
  }
  SecurityEffect effect(std::uint32_t profile) const {
    if (understood_active && !active) return SecurityEffect::none;
    if (!understood || !seen.contains("Action")) return SecurityEffect::unknown;
    if (!insists || !of_tcp || (ports_given && !of_port)) return SecurityEffect::none;
    if (profiles != 0 && (profiles & profile) == 0) return SecurityEffect::none;
    return narrowed ? SecurityEffect::may_block : SecurityEffect::blocks;
  }
};

}  // namespace

SecurityEffect security_effect(std::string_view text, std::uint16_t port, std::uint32_t profile) {
  if (!text.starts_with('v') || text.find('|') == std::string_view::npos) return SecurityEffect::unknown;
  Reading reading{.port = port, .seen = {}};
  text.remove_prefix(text.find('|') + 1);
  while (!text.empty()) {
    const auto token = text.substr(0, text.find('|'));
    text.remove_prefix(std::min(text.size(), token.size() + 1));
    const auto equals = token.find('=');
    if (equals == std::string_view::npos) {
      reading.understood = reading.understood && token.empty();
    } else {
      reading.take(token.substr(0, equals), token.substr(equals + 1));
    }
  }
  return reading.effect(profile);
}

SecurityEffect security_effect(const SecurityRuleText& rule, const FirewallStatus& status, std::uint16_t port,
                               std::uint32_t profile) {
  if (!rule.by_policy && (status.local_security_ignored & profile) != 0) return SecurityEffect::none;
  return security_effect(rule.text, port, profile);
}

}  // namespace rdpmend
