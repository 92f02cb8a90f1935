// Network addresses as people write them: one parser and one set of words for configuration, service and command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

inline constexpr std::uint16_t k_default_rpc_port = 30904;

// Where to connect to.
struct HostPort {
  std::string host;                   // A name or an address; IPv6 without brackets.
  std::optional<std::uint16_t> port;  // Absent: not written.
};

// "host", "host:port", "[v6]:port" or "v6", with ports from 1. invalid_argument says what is wrong.
Result<HostPort> parse_host_port(std::string_view text);

// "host:port", "[v6]:port".
std::string to_text(std::string_view host, std::uint16_t port);

// The address in what an event says of a client, with or without a port: in one form, without scope, and an IPv4
// address in IPv6's clothes as IPv4. nullopt: it is none, for example "LOCAL" or "-".
std::optional<std::string> address_in(std::string_view text);
// Of address_in's form: 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view address);

// Where to listen: an IP address and a port, of which 0 is any that is free.
Result<HostPort> parse_listen_address(std::string_view text);

}  // namespace rdpmend
