// Name resolution that keeps a deadline, which the operating system's resolver does not.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "agent-lib/support/asio.hpp"
#include "agent-lib/support/result.hpp"

namespace rdpmend {

inline constexpr std::size_t k_max_lookup_addresses = 8;

// At least one endpoint, at most k_max_lookup_addresses, in the system's order of preference. not_found, timeout,
// cancelled; exhausted: too many lookups hang.
Result<std::vector<asio::ip::tcp::endpoint>> look_up(const std::string& host, std::uint16_t port,
                                                     std::chrono::steady_clock::time_point deadline,
                                                     const std::stop_token& stop);

}  // namespace rdpmend
