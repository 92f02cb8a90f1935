// Windows event log channels: pull subscriptions with bookmarks, and bounded look-ups.
// Semantics: https://learn.microsoft.com/windows/win32/wes/subscribing-to-events
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

struct ChannelQuery {
  std::string channel;  // "System"
  std::string
      xpath;  // Structured XML query or XPath for EvtSubscribe; coarse: what matches is checked again by the rules.
};

struct EventBatch {
  std::vector<std::string> xml;  // UTF-8, one Event element each, oldest first.
  std::string bookmark;          // After the last of them; opaque text. Empty if there are no events.
  bool gap = false;              // Events before this batch were lost: the log wrapped or was cleared.
};

// One open subscription. Used by one thread: the one that opened it.
class EventSubscription {
 public:
  virtual ~EventSubscription() = default;
  // What is there now, at most `max` events; an empty batch if nothing is. Never blocks.
  virtual Result<EventBatch> next(std::size_t max) = 0;
};

struct EventLookup {
  std::string channel;
  std::string provider;
  std::vector<std::uint32_t> event_ids;
  WallTime since{};      // Events with TimeCreated >= since.
  std::size_t max = 64;  // Newest first, at most this many.
};

class EventChannels {
 public:
  virtual ~EventChannels() = default;

  // A query over the log as it is now. not_found: the channel does not exist (an optional role).
  virtual Result<std::vector<std::string>> look_up(const EventLookup& what) const = 0;

  // not_found: the channel does not exist. corrupt: the bookmark is of no use (reopen without). A bookmark whose record
  // is gone is of use: the subscription goes on with what the log still holds after it, and its first batch has a gap.
  // Without a bookmark it begins with events that are logged from now on.
  virtual Result<std::unique_ptr<EventSubscription>> subscribe(const ChannelQuery& query,
                                                               const std::optional<std::string>& bookmark) = 0;

  // Blocks until one of the subscriptions of this object may have events, wake() is called, stop is requested, or the
  // time is over.
  virtual void wait(std::stop_token stop, Duration at_most) = 0;
  // Makes a wait() return. Thread-safe.
  virtual void wake() = 0;
};

}  // namespace rdpmend
