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
#include <string_view>
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
  // What is there now, at most `max` events; an empty batch if nothing is, and also if the subscription is dead and
  // does not know it: when the event log service restarts, nothing tells (measured.md E1). Never blocks. After an error
  // only a new subscription, after the last bookmark, is of use (E2), but for one: exhausted: the events do not fit
  // into one answer and have been passed over. Opened again and asked for one at a time, it gives those that can be
  // had; one that cannot be had alone is passed over, and it goes on behind it.
  virtual Result<EventBatch> next(std::size_t max) = 0;
};

// What a channel holds, whoever asks for it. Records are numbered without gaps.
struct ChannelRecords {
  std::uint64_t oldest = 0;  // EventRecordID. 0: the channel is empty.
  std::uint64_t count = 0;
  std::uint64_t newest() const { return count == 0 ? 0 : oldest + count - 1; }
};

// A bookmark after a record, whether a query asks for that or not, and back; nullopt: it is no bookmark. After 0 comes
// the oldest record, whichever that is.
// https://learn.microsoft.com/windows/win32/wes/bookmarking-events
std::string bookmark_after(std::string_view channel, std::uint64_t record);
std::optional<std::uint64_t> bookmarked_record(std::string_view bookmark);

// Whether records after the bookmarked one are gone that nobody has read: overwritten, cleared, or the log has begun
// anew. That its own record is gone, or is said to be, means nothing by itself:
// https://github.com/vectordotdev/vector/pull/26120
bool misses_records(const ChannelRecords& now, std::uint64_t bookmarked);

struct EventLookup {
  std::string channel;
  std::string provider;
  std::vector<std::uint32_t> event_ids;
  WallTime since{};                              // Events with TimeCreated >= since.
  std::size_t max = 64;                          // Newest first, at most this many.
  Duration deadline = std::chrono::seconds{10};  // For all of it; then timeout. Large logs are searched event by event.
};

class EventChannels {
 public:
  virtual ~EventChannels() = default;

  // A query over the log as it is now. not_found: the channel does not exist (an optional role).
  virtual Result<std::vector<std::string>> look_up(const EventLookup& what) const = 0;

  // What the channel holds now. not_found: it does not exist.
  virtual Result<ChannelRecords> records(std::string_view channel) const = 0;
  // EventRecordID of the newest event that the query asks for, 0 if there is none: what a subscription must have given
  // sooner or later. May take long where such events are rare.
  virtual Result<std::uint64_t> newest(const ChannelQuery& query) const = 0;

  // not_found: the channel does not exist. corrupt: the bookmark is of no use (reopen without). A bookmark whose record
  // is gone is of use: the subscription goes on with all that the log still holds after it, and its first batch has a
  // gap if misses_records. Without a bookmark it begins with events that are logged from now on.
  virtual Result<std::unique_ptr<EventSubscription>> subscribe(const ChannelQuery& query,
                                                               const std::optional<std::string>& bookmark) = 0;

  // Blocks until one of the subscriptions of this object may have events, wake() is called, stop is requested, or the
  // time is over.
  virtual void wait(std::stop_token stop, Duration at_most) = 0;
  // Makes a wait() return. Thread-safe.
  virtual void wake() = 0;
};

}  // namespace rdpmend
