// The event log of the laboratory: one file per channel, shared by processes. What wevtapi.dll reads, and what the
// other doubles and the tests write.
//
// A file begins with "base N NAME": N is the id of the record before the oldest one. Records follow, each "ID BYTES\n",
// the event's XML and "\n". Ids rise by one and go on after clearing, as on a real host.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend::lab {

inline constexpr std::wstring_view k_channels_folder = L"C:\\rdpmend-laboratory\\channels";
// More than this, and the oldest tenth is overwritten.
inline constexpr std::uint64_t k_max_channel_records = 10'000;

enum class ChannelType : std::uint32_t { admin = 0, operational = 1, analytic = 2, debug = 3 };

// What EvtNext says to a subscription whose service is gone (measured.md E1).
enum class DeadAnswer : std::uint32_t { no_more_items, invalid_operation, invalid_handle, rpc_server_unavailable };

struct StoredEvent {
  std::uint64_t record_id = 0;
  std::string xml;
};

// Where a reader or writer is in a channel's file, so that nobody reads it twice.
struct FilePosition {
  std::uint64_t base = UINT64_MAX;  // Of the file that `offset` and `last_id` belong to; else they mean nothing.
  std::uint64_t offset = 0;
  std::uint64_t last_id = 0;  // Of the record before `offset`.
};

class Channel {
 public:
  // Without case. nullopt: there is no such channel.
  static std::optional<Channel> open(std::string_view name);
  static Channel create(std::string_view name, ChannelType type);

  const std::string& name() const { return name_; }
  ChannelType type() const;
  bool enabled() const;
  void set_enabled(bool enabled);
  // Subscriptions that are opened meanwhile are signalled and never give an event, as some on real hosts:
  // https://github.com/vectordotdev/vector/issues/26117
  bool silent() const;
  void set_silent(bool silent);
  // As if the event log service had been restarted: subscriptions that are open are dead, and nothing signals.
  void kill_subscriptions(DeadAnswer answer);
  std::uint32_t deaths() const;
  DeadAnswer dead_answer() const;
  // Strict says of bookmarks whose records exist that they are not found, as seen by
  // https://github.com/vectordotdev/vector/pull/26120
  bool strict_not_found() const;
  void set_strict_not_found(bool not_found);
  // The next record fits into no answer together with others: EvtNext fails, and has moved on, as seen by
  // https://github.com/open-telemetry/opentelemetry-collector-contrib/issues/38149
  void make_next_large();
  std::uint64_t large() const;  // 0: none.

  struct Extent {
    std::uint64_t oldest = 0;  // The next to be written, if the channel is empty.
    std::uint64_t last = 0;    // The newest that was ever written.
    std::uint64_t count() const { return last + 1 - oldest; }
  };
  // nullopt: another process kept the store locked for longer. The same for read().
  std::optional<Extent> extent(std::uint32_t timeout_ms);
  // Records after `after`, oldest first, as long as wanted() is true of them.
  bool read(std::uint64_t after, std::uint32_t timeout_ms, const std::function<bool(StoredEvent)>& wanted);

  // The record's id; 0: the channel is disabled, so that nothing is logged.
  std::uint64_t append(const std::function<std::string(std::uint64_t id)>& make_xml);
  void clear();
  void drop_oldest(std::uint64_t records);

 private:
  Channel(std::string name, std::wstring path) : name_(std::move(name)), path_(std::move(path)) {}
  void advance_to_end();
  void rewrite_from(std::uint64_t first_id);

  std::string name_;
  std::wstring path_;
  FilePosition end_;
  FilePosition reading_;
};

std::vector<std::string> channel_names();

// An event for the channel that its XML names: the EventRecordID is made the next one.
void append_event(std::string_view xml);

// Holds the store, so that nobody else reads or writes it.
class StoreLock {
 public:
  explicit StoreLock(std::uint32_t timeout_ms);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  bool held() const { return held_; }

 private:
  void* mutex_;
  bool held_ = false;
};

// Set whenever something was written anywhere in the store. Arm it again before reading.
class StoreChange {
 public:
  StoreChange();
  ~StoreChange();
  StoreChange(const StoreChange&) = delete;
  StoreChange& operator=(const StoreChange&) = delete;
  void arm();  // By one thread, which must live until the change comes.
  void* event() const { return event_; }

 private:
  void* event_;
  void* key_;
};

}  // namespace rdpmend::lab
