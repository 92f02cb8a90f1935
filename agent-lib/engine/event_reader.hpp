// Reads the event log channels that the rules ask for: one thread opens, reads and closes all subscriptions.
//
// A channel has one credit: its next batch is read only when the engine has made the last one durable. So memory stays
// bounded in a storm, and nothing is dropped: the event log is the queue.
//
// A subscription may die and say nothing (measured.md E1). So each is compared with its channel now and then, and one
// that has fallen silent is opened anew after its bookmark, within a minute.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent-lib/engine/channel_book.hpp"
#include "agent-lib/host/host.hpp"
#include "agent-lib/support/steady_condition.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

class EventReader {
 public:
  // Engine::take: `taken` gives the credit back, from any thread.
  using Take = std::function<void(std::string channel, EventBatch batch, std::function<void()> taken)>;
  // Something escaped from a port or from take; the reader goes on.
  using Report = std::function<void(const std::string& where, const std::string& what)>;
  // A subscription had died or fallen silent, and is open again.
  using Reopened = std::function<void(const v1::ChannelReopened& what)>;
  struct Sinks {
    Take take;
    Report report;
    Reopened reopened;
  };

  // The ports outlive the reader.
  EventReader(const HostControl& host, const std::vector<ChannelQuery>& queries,
              const std::map<std::string, std::string>& bookmarks, Sinks sinks);
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  void start();
  // No batch is handed over afterwards. Joins.
  void stop();

  // Blocks until each channel has been tried once, or the reader stops. False: that took longer. From any thread.
  bool wait_until_tried(Duration at_most);

  // How well each channel is followed. From any thread.
  std::vector<v1::ChannelStatus> channels() const { return book_.all(); }

  // One round over all channels, which is all that the thread repeats; how long until one asks for the next by itself.
  // For tests, on one thread and without start().
  Duration read_once();

 private:
  // A channel that was seen to hold more than was read, while nothing was read since.
  struct Suspicion {
    std::uint64_t read = 0;
    std::uint64_t newest = 0;
  };
  struct Source {
    ChannelQuery query;
    std::optional<std::string> bookmark;
    std::unique_ptr<EventSubscription> subscription;
    std::size_t number = 0;
    bool gap = false;  // Events were lost; the next batch says so.
    Duration back_off = Duration::zero();
    SteadyTime retry_at = SteadyTime::min();

    // --- is it silent? ---
    std::optional<std::uint64_t> read_up_to;    // Record. Absent: not known where it began.
    std::optional<std::uint64_t> looked_up_to;  // The channel's newest record, whoever asks for it, at the last look.
    std::optional<Suspicion> suspicion;
    Duration look_every = Duration::zero();
    SteadyTime look_at = SteadyTime::min();
    std::uint32_t service_pid = 0;                 // Of the event log service when it was opened. 0: not known.
    std::optional<v1::ChannelReopened> reopening;  // Said once it is open again.

    // --- events that do not fit into one answer ---
    std::size_t singly = 0;       // How many more to read one at a time.
    std::size_t passed_over = 0;  // In a row, because they could not be had alone.
    bool unread_end = false;      // Something was passed over since the last event.
    bool hurry = false;           // Read again at once.
  };

  class Credits;

  void run(const std::stop_token& stop);
  void note_tried();
  void serve(Source& source);
  void hand_over(Source& source, EventBatch batch);
  bool open(Source& source);
  Result<std::unique_ptr<EventSubscription>> subscribe(Source& source);
  void failed(Source& source, const Error& error);
  void retry_later(Source& source, const Error& error);
  void close(Source& source);

  // Events that do not fit into one answer.
  void read_singly(Source& source, const Error& error);
  void give_up_unread(Source& source);
  static void go_on_after(Source& source, std::uint64_t record);

  // Silence.
  std::uint32_t service_pid() const;
  void look_at_service();
  void look(Source& source);
  // Absent: it could not be found out, or need not.
  std::optional<std::uint64_t> newest_unread(Source& source);
  void reopen(Source& source, const std::string& reason, std::uint64_t newest);
  Duration until_next(const Source& source) const;

  SteadyTime now() const { return host_.clock.steady(); }

  const HostControl host_;
  const Sinks sinks_;
  std::vector<Source> sources_;
  ChannelBook book_;
  SteadyTime look_at_service_ = SteadyTime::min();
  const std::shared_ptr<Credits> credits_;
  std::mutex mutex_;
  SteadyCondition changed_;
  bool tried_ = false;  // Under the mutex.
  std::jthread thread_;
};

}  // namespace rdpmend
