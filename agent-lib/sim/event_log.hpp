// The simulated host's event log: bounded channels of events, rendered in the layouts that real hosts write.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/host/event_channels.hpp"
#include "agent-lib/sim/sim_events.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend::sim {

class EventLog {
 public:
  static constexpr std::size_t k_max_records = 10'000;  // Per channel; the oldest are overwritten.

  struct Record {
    std::uint64_t id = 0;
    WallTime time{};
    std::string provider;
    std::uint32_t event_id = 0;
    std::string xml;
  };
  struct Channel {
    std::string name;
    std::deque<Record> records;
    std::uint64_t last_id = 0;
    // The oldest record that is still there, or the next to be written.
    std::uint64_t first_id() const { return last_id - records.size() + 1; }
  };

  EventLog();

  void append(const SimEvent& event, WallTime time, std::string_view computer);
  // nullptr: there is no such channel. Without case.
  const Channel* find(std::string_view name) const;
  std::vector<std::string> look_up(const Channel& channel, const EventLookup& what) const;
  // Records written so far, over all channels.
  std::uint64_t written() const { return written_; }

 private:
  std::map<std::string, Channel> channels_;  // By lower-case name.
  std::uint64_t written_ = 0;
};

// Text that EvtRender would give for a bookmark, and back. 0: not such a text.
std::string bookmark_text(std::string_view channel, std::uint64_t record_id);
std::uint64_t bookmark_record(std::string_view text);

}  // namespace rdpmend::sim
