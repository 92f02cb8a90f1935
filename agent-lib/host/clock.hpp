// The host's clocks and what it knows about their truth.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

// What another clock says: a domain controller or a configured time source.
struct TimeReference {
  std::string source;  // "dc1.example.net", for people.
  Duration offset{};   // Host's wall clock minus the reference; positive: the host is ahead.
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;       // Wall clock: for stamps and certificate dates only.
  virtual SteadyTime steady() const = 0;  // For durations, deadlines, windows. Counts from the host's start.
  // Local time minus UTC, now: maintenance windows are in local time.
  virtual Duration utc_offset() const { return Duration::zero(); }
  // Asks a reference, with a deadline of its own of 5 s. nullopt: the host has no time source that answers.
  virtual Result<std::optional<TimeReference>> reference() const = 0;
  // Blocks the caller until the time is over (true) or stop is requested (false). A virtual clock moves on instead.
  virtual bool wait_for(Duration duration, std::stop_token stop) const = 0;
};

}  // namespace rdpmend
