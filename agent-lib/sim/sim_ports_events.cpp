// Subscriptions behave like EvtSubscribe with EvtSubscribeStrict, and without it where the bookmarked record is gone.
// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtsubscribe
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

Error no_such_channel(std::string_view name) {
  return {ErrorCode::not_found, fmt::format("there is no event channel {}", name), {}, OsError{"win32", 15007}};
}

class Subscription final : public EventSubscription {
 public:
  Subscription(SimMachine& machine, std::shared_ptr<EventChannelsPort::Cursor> cursor)
      : machine_(machine), cursor_(std::move(cursor)) {}

  Result<EventBatch> next(std::size_t max) override {
    return machine_.look([&](const World& world) {
      const auto& channel = *world.log.find(cursor_->channel);
      EventBatch batch;
      batch.gap = std::exchange(cursor_->gap, false) || channel.first_id() > cursor_->last_id + 1;
      const auto from = std::ranges::upper_bound(channel.records, cursor_->last_id, {}, &EventLog::Record::id);
      for (auto at = from; at != channel.records.end() && batch.xml.size() < max; ++at) {
        batch.xml.push_back(at->xml);
        cursor_->last_id = at->id;
      }
      if (!batch.xml.empty()) batch.bookmark = bookmark_text(channel.name, cursor_->last_id);
      return batch;
    });
  }

 private:
  SimMachine& machine_;
  std::shared_ptr<EventChannelsPort::Cursor> cursor_;
};

}  // namespace

Result<std::vector<std::string>> EventChannelsPort::look_up(const EventLookup& what) const {
  return machine_.look([&](const World& world) -> Result<std::vector<std::string>> {
    const auto* channel = world.log.find(what.channel);
    if (!channel) return fail(no_such_channel(what.channel));
    return world.log.look_up(*channel, what);
  });
}

Result<std::unique_ptr<EventSubscription>> EventChannelsPort::subscribe(const ChannelQuery& query,
                                                                        const std::optional<std::string>& bookmark) {
  return machine_.locked([&](World& world) -> Result<std::unique_ptr<EventSubscription>> {
    const auto* channel = world.log.find(query.channel);
    if (!channel) return fail(no_such_channel(query.channel));
    auto cursor = std::make_shared<Cursor>(Cursor{query.channel, channel->last_id});
    if (bookmark) {
      const auto record = bookmark_record(*bookmark);
      if (record == 0) {
        return fail({ErrorCode::corrupt, fmt::format("the bookmark of channel {} is none", channel->name),
                     "Open the channel without a bookmark.", OsError{"win32", 15008}});
      }
      cursor->gap = record < channel->first_id() || record > channel->last_id;
      // "... begins with the event that is after the event that is closest to the bookmarked event."
      // https://learn.microsoft.com/windows/win32/api/winevt/ne-winevt-evt_subscribe_flags
      cursor->last_id = std::clamp(record, std::min(channel->first_id(), channel->last_id), channel->last_id);
    }
    std::erase_if(cursors_, [](const auto& other) { return other.expired(); });
    cursors_.push_back(cursor);
    return std::make_unique<Subscription>(machine_, std::move(cursor));
  });
}

bool EventChannelsPort::has_news(const World& world) {
  return std::ranges::any_of(cursors_, [&](const std::weak_ptr<Cursor>& weak) {
    const auto cursor = weak.lock();
    return cursor && world.log.find(cursor->channel)->last_id > cursor->last_id;
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
