// Event XML to EventRecord: EventData, UserData and classic positional data, whatever the namespace prefix.
#pragma once

#include <string_view>

#include "agent-lib/events/event_record.hpp"
#include "agent-lib/support/result.hpp"

namespace rdpmend {

// Bounds: a real event is at most 64 KiB in the log; rendered as XML it can grow, but not beyond this.
inline constexpr std::size_t k_max_event_xml_bytes = 1 << 20;
inline constexpr std::size_t k_max_event_fields = 1024;
inline constexpr std::size_t k_max_event_depth = 32;  // Below EventData and UserData.

// One Event element in UTF-8. invalid_argument: not an event, with the reason; exhausted: larger than the bound.
Result<EventRecord> parse_event(std::string_view xml);

}  // namespace rdpmend
