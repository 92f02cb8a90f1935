// The host's clocks, and what its time source says.
#pragma once

#include "agent-lib/host/clock.hpp"
#include "agent-lib/win32/bounded_call.hpp"

namespace rdpmend::win32 {

// Since boot, without the time in which the host sleeps.
SteadyTime awake_time();

class Win32Clock final : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady() const override;
  Duration utc_offset() const override;
  Result<std::optional<TimeReference>> reference() const override;
  bool wait_for(Duration duration, std::stop_token stop) const override;

 private:
  BoundedCall<std::optional<TimeReference>> reference_call_;
};

}  // namespace rdpmend::win32
