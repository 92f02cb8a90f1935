// Tells an event log what the journal says, in order and each entry at least once, also over crashes: how far it came
// is kept in a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "agent-lib/record/journal.hpp"
#include "agent-lib/support/steady_condition.hpp"
#include "service/event_log/event_messages.hpp"

namespace rdpmend {

// Without a file that says how far it came, it begins with the newest entries and not with years of history.
inline constexpr std::uint64_t k_newest_entries = 100;

class EventFeed {
 public:
  // Called on the feed's own thread. What cannot be told is told later, and what comes after it too.
  using Tell = std::function<Status(const EventMessage&)>;
  EventFeed(const Journal& journal, std::filesystem::path cursor_file, Tell tell);
  // Tells what is there by now.
  ~EventFeed();
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  // The journal has grown. From any thread; returns at once.
  void grew();
  // What the journal cannot tell; the newest, until it is told. From any thread; returns at once.
  void tell_now(EventMessage message);

 private:
  void run();
  void catch_up();
  void tell_urgent();
  Status tell(const v1::JournalEntry& entry, bool& told);
  void load_cursor();
  void keep_cursor();

  const Journal& journal_;
  const std::filesystem::path cursor_file_;
  const Tell tell_;
  std::uint64_t cursor_ = 0;  // Of the feed's thread.
  bool failing_ = false;      // Of the feed's thread: the event log did not take the entry after the cursor.

  std::mutex mutex_;
  SteadyCondition changed_;
  bool grew_ = true;
  std::optional<EventMessage> urgent_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rdpmend
