// Follows the journal over one connection after the other, without missing or repeating an entry.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "cli/session/client.hpp"

namespace rdpmend::cli {

struct FollowOptions {
  std::uint64_t after_seq = 0;
  std::uint64_t incident_id = 0;                                    // 0: all.
  std::optional<std::chrono::steady_clock::time_point> give_up_at;  // Absent: only a stop request ends it.
};

struct FollowCallbacks {
  std::function<bool(const v1::WatchResponse&)> take;  // false: that was all.
  std::function<void(const std::string&)> notice;      // The connection was lost, or is back.
};

// ok: `take` said so, or stop was requested. timeout: give_up_at has come. An error: the service refused, or could not
// be reached at first; a connection that is lost later is opened again and again, with back-off.
Status follow(Client& client, const FollowOptions& options, const FollowCallbacks& callbacks);

// Until then, or until stop is requested.
void pause_until(const std::stop_token& stop, std::chrono::steady_clock::time_point until);

}  // namespace rdpmend::cli
