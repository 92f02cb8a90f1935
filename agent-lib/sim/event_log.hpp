// The simulated host's event log: bounded channels of events, rendered in the layouts that real hosts write.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/host/event_channels.hpp"
#include "agent-lib/sim/sim_events.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/scenario.pb.h"

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
    std::uint64_t deaths = 0;                                   // Subscriptions made before the last one are dead,
    v1::SimEventLog::Dead dead = v1::SimEventLog::DEAD_SILENT;  // and this is what they answer.
    bool strict_not_found = false;
    bool unreadable = false;
    std::set<std::uint64_t> large;          // Ids of records that fit into no answer together with others,
    std::set<std::uint64_t> undeliverable;  // or into none at all.
    // The oldest record that is still there, or the next to be written.
    std::uint64_t first_id() const { return last_id - records.size() + 1; }
    ChannelRecords extent() const { return {records.empty() ? 0 : first_id(), records.size()}; }
  };

  EventLog();

  // Beside the stock ones; nothing happens if there is one of that name.
  void add_channel(std::string_view name);
  // In a new channel, if there is none of that name.
  void append(const SimEvent& event, WallTime time, std::string_view computer);
  // nullptr: there is no such channel. Without case.
  const Channel* find(std::string_view name) const;
  std::vector<std::string> look_up(const Channel& channel, const EventLookup& what) const;
  // What somebody does to the log.
  void apply(const v1::SimEventLog& change);
  // The service is gone, and with it all subscriptions; nothing signals (measured.md E1).
  void kill_subscriptions(v1::SimEventLog::Dead dead = v1::SimEventLog::DEAD_SILENT);
  // Records written so far, over all channels.
  std::uint64_t written() const { return written_; }

 private:
  // A new one, if there is none of that name.
  Channel& named(std::string_view name);

  std::map<std::string, Channel> channels_;  // By lower-case name.
  std::uint64_t written_ = 0;
};

}  // namespace rdpmend::sim
