// Subscriptions behave like EvtSubscribe with EvtSubscribeStrict, and from the oldest record where the bookmarked one
// is gone; and they die, fall silent and pass over events as others have seen real ones do.
// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtsubscribe
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

Error no_such_channel(std::string_view name) {
  return {ErrorCode::not_found, fmt::format("there is no event channel {}", name), {}, OsError{"win32", 15007}};
}

Error log_does_not_run(std::string_view doing) {
  return {
      ErrorCode::unavailable, fmt::format("{}: the event log service does not run", doing), {}, OsError{"win32", 1722}};
}

// How many EvtNext gives at once; when these do not fit, it fails, and all of them have been passed over:
// https://github.com/open-telemetry/opentelemetry-collector-contrib/issues/38149
constexpr std::size_t k_at_once = 16;

class Subscription final : public EventSubscription {
 public:
  Subscription(SimMachine& machine, std::shared_ptr<EventChannelsPort::Cursor> cursor)
      : machine_(machine), cursor_(std::move(cursor)) {}

  Result<EventBatch> next(std::size_t max) override {
    return machine_.look([&](const World& world) -> Result<EventBatch> {
      const auto& channel = *world.log.find(cursor_->channel);
      if (cursor_->is_dead(channel)) return dead_answer(channel);
      if (cursor_->failed) return fail(does_not_fit(channel));
      EventBatch batch;
      batch.gap = std::exchange(cursor_->gap, false) || channel.first_id() > cursor_->last_id + 1;
      while (batch.xml.size() < max && channel.last_id > cursor_->last_id) {
        if (read_some(channel, std::min(max - batch.xml.size(), k_at_once), batch)) continue;
        if (batch.xml.empty()) {
          cursor_->failed = max > 1;
          return fail(does_not_fit(channel));
        }
        cursor_->failed = true;  // What has been read is handed over first.
        break;
      }
      if (!batch.xml.empty()) batch.bookmark = bookmark_after(channel.name, bookmarked_);
      return batch;
    });
  }

 private:
  // False: they do not fit, and have been passed over.
  bool read_some(const EventLog::Channel& channel, std::size_t most, EventBatch& batch) {
    const auto first = std::ranges::upper_bound(channel.records, cursor_->last_id, {}, &EventLog::Record::id);
    auto end = first;
    bool fits = true;
    while (end != channel.records.end() && static_cast<std::size_t>(end - first) < most) {
      fits = fits && !channel.undeliverable.contains(end->id) && (most == 1 || !channel.large.contains(end->id));
      cursor_->last_id = (end++)->id;
    }
    if (!fits) return false;
    for (auto at = first; at != end; ++at) batch.xml.push_back(at->xml);
    bookmarked_ = cursor_->last_id;
    return true;
  }

  // measured.md E1. Who is told that nothing is there, and that a healthy one says, too, cannot tell.
  static Result<EventBatch> dead_answer(const EventLog::Channel& channel) {
    const auto doing = fmt::format("cannot read event channel {}", channel.name);
    switch (channel.dead) {
      case v1::SimEventLog::DEAD_INVALID_HANDLE:
        return fail({ErrorCode::unavailable, doing + ": the handle is invalid", {}, OsError{"win32", 6}});
      case v1::SimEventLog::DEAD_RPC: return fail(log_does_not_run(doing));
      default: return EventBatch{};
    }
  }

  static Error does_not_fit(const EventLog::Channel& channel) {
    return {ErrorCode::exhausted,
            fmt::format("cannot read event channel {}: the events do not fit into one answer", channel.name),
            {},
            OsError{"win32", 1734}};
  }

  SimMachine& machine_;
  std::shared_ptr<EventChannelsPort::Cursor> cursor_;
  std::uint64_t bookmarked_ = 0;
};

// The channel, if the service may read it.
Result<const EventLog::Channel*> readable(const World& world, std::string_view name, std::string_view doing) {
  if (!is_running(world, service_name::k_event_log)) return fail(log_does_not_run(doing));
  const auto* channel = world.log.find(name);
  if (!channel) return fail(no_such_channel(name));
  if (channel->unreadable)
    return fail({ErrorCode::denied, fmt::format("{}: access is denied", doing), {}, OsError{"win32", 5}});
  return channel;
}

}  // namespace

bool EventChannelsPort::Cursor::is_dead(const EventLog::Channel& in) const {
  return in.deaths != born;
}

Result<std::vector<std::string>> EventChannelsPort::look_up(const EventLookup& what) const {
  return machine_.look([&](const World& world) -> Result<std::vector<std::string>> {
    const auto channel = readable(world, what.channel, "cannot look up events in " + what.channel);
    if (!channel) return fail(channel.error());
    return world.log.look_up(**channel, what);
  });
}

Result<ChannelRecords> EventChannelsPort::records(std::string_view name) const {
  return machine_.look([&](const World& world) -> Result<ChannelRecords> {
    const auto channel = readable(world, name, "cannot count records");
    if (!channel) return fail(channel.error());
    return (*channel)->extent();
  });
}

Result<std::uint64_t> EventChannelsPort::newest(const ChannelQuery& query) const {
  const auto held = records(query.channel);
  if (!held) return fail(held.error());
  return held->newest();
}

Result<std::unique_ptr<EventSubscription>> EventChannelsPort::subscribe(const ChannelQuery& query,
                                                                        const std::optional<std::string>& bookmark) {
  return machine_.locked([&](World& world) -> Result<std::unique_ptr<EventSubscription>> {
    const auto found = readable(world, query.channel, "cannot open event channel " + query.channel);
    if (!found) return fail(found.error());
    const auto* channel = *found;
    auto cursor = std::make_shared<Cursor>(Cursor{query.channel, channel->last_id, channel->deaths});
    if (bookmark) {
      const auto record = bookmarked_record(*bookmark);
      if (!record) {
        return fail({ErrorCode::corrupt, fmt::format("the bookmark of channel {} is none", channel->name),
                     "Open the channel without a bookmark.", OsError{"win32", 15008}});
      }
      const bool is_there = *record >= channel->first_id() && *record <= channel->last_id;
      if (!is_there || channel->strict_not_found) cursor->gap = misses_records(channel->extent(), *record);
      cursor->last_id = is_there ? *record : channel->first_id() - 1;
    }
    std::erase_if(cursors_, [](const auto& other) { return other.expired(); });
    cursors_.push_back(cursor);
    return std::make_unique<Subscription>(machine_, std::move(cursor));
  });
}

bool EventChannelsPort::has_news(const World& world) {
  return std::ranges::any_of(cursors_, [&](const std::weak_ptr<Cursor>& weak) {
    const auto cursor = weak.lock();
    if (!cursor) return false;
    const auto& channel = *world.log.find(cursor->channel);
    return !cursor->is_dead(channel) && (cursor->failed || channel.last_id > cursor->last_id);
  });
}

void EventChannelsPort::wait(std::stop_token stop, Duration at_most) {
  machine_.wait_until_done(at_most, stop,
                           [this](const World& world) { return std::exchange(woken_, false) || has_news(world); });
}

void EventChannelsPort::wake() {
  machine_.locked([this](World&) { woken_ = true; });
}

}  // namespace rdpmend::sim
