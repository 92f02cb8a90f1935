// The probes that this service makes, so that what the host logs about them is nobody's signal: on a host that drops
// every client, each of our own handshakes is dropped, too, and logged like a client's.
//
// Told by the client's address in the event, which is one of the host's own, by its port where the event has one, and
// by the time. Where an event names no client (Schannel's), ours cannot be told from anybody's, and it counts. What was
// logged of loopback before this object was there may be about the probes of an earlier run, and is left out.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/events/event_record.hpp"
#include "agent-lib/host/clock.hpp"
#include "agent-lib/host/listener.hpp"

namespace rdpmend {

// The host's listener, with a note of each probe. Thread-safe; both ports outlive it.
class OwnProbes final : public Listener {
 public:
  OwnProbes(const Listener& listener, const Clock& clock) : listener_(listener), clock_(clock), since_(clock.now()) {}

  Result<ListenerState> state() const override { return listener_.state(); }
  Result<v1::ProbeReport> probe(ProbeFrom from, Duration deadline) const override;

  // Whether one of them is what the event is about.
  bool caused(const EventRecord& event) const;

 private:
  struct Client;
  struct Window {
    std::uint64_t number = 0;
    std::string address;     // The host's own, that was connected to and from. Empty: loopback only.
    std::uint16_t port = 0;  // Our side's. 0: not known.
    WallTime began{};
    std::optional<WallTime> ended;  // Absent: under way.
    bool holds(const Client& client, WallTime time) const;
  };

  std::uint64_t begin(std::string address) const;
  void end(std::uint64_t number, const Result<v1::ProbeReport>& report) const;

  const Listener& listener_;
  const Clock& clock_;
  const WallTime since_;
  mutable std::mutex mutex_;
  mutable std::uint64_t last_ = 0;
  mutable std::deque<Window> windows_;  // The newest.
};

}  // namespace rdpmend
