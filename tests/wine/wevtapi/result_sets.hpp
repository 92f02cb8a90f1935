// What EvtNext reads from: a query's result, or a subscription.
#pragma once

#include <windows.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "tests/wine/lab/channel_store.hpp"
#include "tests/wine/wevtapi/bookmark.hpp"
#include "tests/wine/wevtapi/event_query.hpp"

namespace rdpmend::lab {

// Events, or none and the error that EvtNext gives.
struct NextResult {
  std::vector<StoredEvent> events;
  DWORD error = ERROR_SUCCESS;
};

class ResultSet {
 public:
  virtual ~ResultSet() = default;
  virtual NextResult next(std::size_t max, DWORD timeout_ms) = 0;
  virtual const std::string& channel_name() const = 0;
};

// "You must only use the query handle that this function returns on the same thread that created the handle":
// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtquery
// The page does not say with which error another thread is refused.
class QueryResult final : public ResultSet {
 public:
  QueryResult(Channel channel, EventQuery query, bool newest_first);
  NextResult next(std::size_t max, DWORD timeout_ms) override;
  const std::string& channel_name() const override { return channel_.name(); }

 private:
  NextResult next_forward(std::size_t max, DWORD timeout_ms);
  NextResult next_backward(std::size_t max, DWORD timeout_ms);

  Channel channel_;
  const EventQuery query_;
  const bool newest_first_;
  const DWORD thread_ = GetCurrentThreadId();
  std::uint64_t position_ = 0;       // Forward: the last record that was looked at.
  std::vector<StoredEvent> newest_;  // Backward: what is still to be given, oldest first.
};

// A pull subscription. The caller's event is set when there is something to read, once for each time that it was read
// to the end: https://learn.microsoft.com/windows/win32/wes/subscribing-to-events#pull-subscriptions
class Subscription final : public ResultSet {
 public:
  struct Start {
    std::uint64_t after = 0;
    bool skip_first = false;  // An empty bookmark begins with the second event.
  };
  Subscription(Channel channel, EventQuery query, Start start, bool strict, HANDLE signal);
  ~Subscription() override;

  NextResult next(std::size_t max, DWORD timeout_ms) override;
  const std::string& channel_name() const override { return channel_.name(); }
  // The store has changed.
  void look();

 private:
  bool refill(DWORD timeout_ms);
  void signal_if_due();
  bool dead() const { return channel_.deaths() != deaths_at_birth_; }
  DWORD dead_answer();
  bool fits(std::size_t count) const;

  std::mutex mutex_;
  Channel channel_;
  const EventQuery query_;
  const bool strict_;
  const bool silent_;
  const std::uint32_t deaths_at_birth_;
  const HANDLE signal_;
  std::uint64_t position_;  // The last record that was looked at.
  bool skip_first_;
  std::deque<StoredEvent> pending_;
  bool stale_ = false;
  bool read_to_end_ = true;  // Nothing was given since the last end.
  bool armed_ = true;        // The next event sets the signal.
};

}  // namespace rdpmend::lab
