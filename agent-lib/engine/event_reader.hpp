// Reads the event log channels that the rules ask for: one thread opens, reads and closes all subscriptions.
//
// A channel has one credit: its next batch is read only when the engine has made the last one durable. So memory stays
// bounded in a storm, and nothing is dropped: the event log is the queue.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent-lib/host/clock.hpp"
#include "agent-lib/host/event_channels.hpp"

namespace rdpmend {

class EventReader {
 public:
  // Engine::take: `taken` gives the credit back, from any thread.
  using Take = std::function<void(std::string channel, EventBatch batch, std::function<void()> taken)>;
  // Something escaped from a port or from take; the reader goes on.
  using Report = std::function<void(const std::string& where, const std::string& what)>;

  // `channels` and `clock` outlive the reader.
  EventReader(EventChannels& channels, const Clock& clock, const std::vector<ChannelQuery>& queries,
              const std::map<std::string, std::string>& bookmarks, Take take, Report report);
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  void start();
  // No batch is handed over afterwards. Joins.
  void stop();

  // One round over all channels, which is all that the thread repeats; how long until one asks for the next by itself.
  // For tests, on one thread and without start().
  Duration read_once();

 private:
  struct Source {
    ChannelQuery query;
    std::optional<std::string> bookmark;
    std::unique_ptr<EventSubscription> subscription;
    std::size_t number = 0;
    bool gap = false;  // Events were lost; the next batch says so.
    Duration back_off = Duration::zero();
    SteadyTime retry_at = SteadyTime::min();
  };

  class Credits;

  void run(const std::stop_token& stop);
  void serve(Source& source);
  void hand_over(Source& source, EventBatch batch);
  bool open(Source& source);
  void retry_later(Source& source, const Error& error);

  EventChannels& channels_;
  const Clock& clock_;
  const Take take_;
  const Report report_;
  std::vector<Source> sources_;
  const std::shared_ptr<Credits> credits_;
  std::jthread thread_;
};

}  // namespace rdpmend
