// https://learn.microsoft.com/windows/win32/wes/subscribing-to-events
#include "agent-lib/win32/event_channels.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/support/log.hpp"
#include "agent-lib/win32/event_rendering.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

constexpr std::size_t k_max_subscriptions = MAXIMUM_WAIT_OBJECTS - 1;  // One place is for wake().

class Subscription final : public EventSubscription {
 public:
  Subscription(std::string channel, std::shared_ptr<UniqueKernel> signal, UniqueEvt bookmark, UniqueEvt results)
      : channel_(std::move(channel)),
        signal_(std::move(signal)),
        bookmark_(std::move(bookmark)),
        results_(std::move(results)) {}

  // A log that was cleared or has wrapped over what was not read yet fails with corrupt, as Strict wants it; whoever
  // opens the channel again then learns that the bookmark is gone.
  Result<EventBatch> next(std::size_t max) override {
    EventBatch batch;
    bool read_any = false;
    while (batch.xml.size() < max) {
      const auto events = next_events(results_, max - batch.xml.size(), channel_);
      // What has been read is handed over first; the error comes again.
      if (!events && read_any) break;
      if (!events) return fail(events.error());
      if (events->empty()) break;
      for (const auto& event : *events) {
        if (!EvtUpdateBookmark(bookmark_.get(), event.get())) {
          return fail(last_error(about_channel("bookmark", channel_)));
        }
        add(event, batch);
        read_any = true;
      }
    }
    if (!read_any) return batch;
    auto text = bookmark_text(bookmark_);
    if (!text) return fail(std::move(text).error());
    batch.bookmark = std::move(*text);
    return batch;
  }

 private:
  // One event that Windows cannot render must not hold up the channel for ever: it counts as lost.
  void add(const UniqueEvt& event, EventBatch& batch) const {
    if (auto xml = event_xml(event)) {
      batch.xml.push_back(std::move(*xml));
    } else {
      log::warning("an event of channel {} is skipped: {}", channel_, to_string(xml.error()));
      batch.gap = true;
    }
  }

  std::string channel_;
  std::shared_ptr<UniqueKernel> signal_;
  UniqueEvt bookmark_;
  UniqueEvt results_;  // Closed before the signal that it sets.
};

// A bookmark that is no bookmark is as useless as one whose record is gone.
Result<UniqueEvt> make_bookmark(const std::optional<std::string>& text, std::string_view channel) {
  UniqueEvt bookmark{EvtCreateBookmark(text ? widen(*text).c_str() : nullptr)};
  if (bookmark) return bookmark;
  auto error = last_error(about_channel("make a bookmark for", channel));
  if (text) error.code = ErrorCode::corrupt;
  return fail(std::move(error));
}

}  // namespace

Win32EventChannels::Win32EventChannels() : wake_(CreateEventW(nullptr, FALSE, FALSE, nullptr)) {}

Result<std::unique_ptr<EventSubscription>> Win32EventChannels::subscribe(const ChannelQuery& query,
                                                                         const std::optional<std::string>& bookmark) {
  std::erase_if(signals_, [](const auto& signal) { return signal.expired(); });
  if (signals_.size() == k_max_subscriptions) {
    return fail(ErrorCode::exhausted, about_channel("open", query.channel) + ": too many are open");
  }
  auto position = make_bookmark(bookmark, query.channel);
  if (!position) return fail(std::move(position).error());
  // Auto-reset: with a manual one, an event that comes between the last EvtNext and ResetEvent would wake nobody. Set
  // from the start: Windows does not set it for what is there already.
  const auto signal = std::make_shared<UniqueKernel>(CreateEventW(nullptr, FALSE, TRUE, nullptr));
  if (!*signal) return fail(last_error("cannot create an event"));

  const DWORD from = bookmark ? EvtSubscribeStartAfterBookmark : EvtSubscribeToFutureEvents;
  UniqueEvt results{EvtSubscribe(nullptr, signal->get(), widen(query.channel).c_str(), widen(query.xpath).c_str(),
                                 bookmark ? position->get() : nullptr, nullptr, nullptr, from | EvtSubscribeStrict)};
  if (!results) {
    auto error = last_error(about_channel("open", query.channel));
    // Strict: https://learn.microsoft.com/windows/win32/api/winevt/ne-winevt-evt_subscribe_flags
    if (bookmark && error.os && error.os->value == ERROR_NOT_FOUND) {
      error = {ErrorCode::corrupt, fmt::format("the bookmarked record of channel {} is gone", query.channel),
               "Open the channel without a bookmark.", error.os};
    }
    return fail(std::move(error));
  }
  signals_.emplace_back(signal);
  return std::make_unique<Subscription>(query.channel, signal, std::move(*position), std::move(results));
}

void Win32EventChannels::wait(std::stop_token stop, Duration at_most) {
  const std::stop_callback stopped(stop, [this] { wake(); });
  std::vector<std::shared_ptr<UniqueKernel>> alive;
  std::vector<HANDLE> handles{wake_.get()};
  for (const auto& weak : signals_) {
    if (auto signal = weak.lock()) {
      handles.push_back(signal->get());
      alive.push_back(std::move(signal));
    }
  }
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(std::max(at_most, Duration::zero()));
  const auto milliseconds = static_cast<DWORD>(std::min<std::int64_t>(time.count(), INFINITE - 1));
  WaitForMultipleObjects(static_cast<DWORD>(handles.size()), handles.data(), FALSE, milliseconds);
}

void Win32EventChannels::wake() {
  SetEvent(wake_.get());
}

}  // namespace rdpmend::win32
