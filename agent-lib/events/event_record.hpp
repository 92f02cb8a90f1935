// One record of a Windows event log, as parsed. Values that never leave the process, so a plain struct.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/time.hpp"

namespace rdpmend {

struct EventField {
  std::string
      name;  // Local name: Data/@Name, or the element below UserData's wrapper. Empty: unnamed (classic events).
  std::string value;
};

struct EventRecord {
  std::string channel;
  std::string provider;
  std::uint32_t event_id = 0;  // Without Qualifiers.
  std::uint32_t level = 0;
  std::uint64_t record_id = 0;   // EventRecordID; 0: absent.
  std::optional<WallTime> time;  // TimeCreated; absent if missing or unreadable.
  std::string computer;
  std::string activity_id;  // Correlation/@ActivityID, as written.
  std::uint32_t process_id = 0;
  std::vector<EventField> fields;  // In document order, named and unnamed.
  std::string binary;              // EventData/Binary, upper-case hex.

  // Value of the first field with this local name (ASCII case ignored), or of the n-th unnamed field (1-based).
  std::optional<std::string_view> named(std::string_view name) const;
  std::optional<std::string_view> positional(std::size_t position) const;
};

}  // namespace rdpmend
