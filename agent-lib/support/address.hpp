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

// Where to listen: an IP address and a port, of which 0 is any that is free.
Result<HostPort> parse_listen_address(std::string_view text);

}  // namespace rdpmend
