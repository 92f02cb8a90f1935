// The clock that Windows Time follows on this host: a domain controller, or the NTP servers it is configured with.
#pragma once

#include <optional>

#include "agent-lib/host/clock.hpp"

namespace rdpmend::win32 {

// May take longer than the deadline when names do not resolve. nullopt: there is no source, or none answers.
Result<std::optional<TimeReference>> ask_time_source(Duration deadline);

}  // namespace rdpmend::win32
