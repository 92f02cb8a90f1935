// https://learn.microsoft.com/windows/win32/wes/subscribing-to-events
#include "agent-lib/win32/event_channels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "agent-lib/support/log.hpp"
#include "agent-lib/win32/event_rendering.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

constexpr std::size_t k_max_subscriptions = MAXIMUM_WAIT_OBJECTS - 1;  // One place is for wake().

struct Opened {
  UniqueEvt results;
  bool gap = false;
};

class Subscription final : public EventSubscription {
 public:
  Subscription(std::string channel, std::shared_ptr<EventSignal> signal, UniqueEvt bookmark, Opened opened)
      : channel_(std::move(channel)),
        signal_(std::move(signal)),
        bookmark_(std::move(bookmark)),
        results_(std::move(opened.results)),
        gap_(opened.gap) {}

  // A log that was cleared or has wrapped over what was not read yet fails with corrupt, as Strict wants it; whoever
  // opens the channel again then learns that the bookmark is gone.
  Result<EventBatch> next(std::size_t max) override {
    EventBatch batch;
    bool read_any = false;
    const bool has_events = was_signalled() && read_nothing_;
    read_nothing_ = true;
    if (failed_) return fail(*failed_);
    while (batch.xml.size() < max) {
      const auto events = next_events(results_, max - batch.xml.size(), channel_);
      if (!events && (read_any || (!has_events && is_invalid_operation(events.error())))) {
        // What has been read is handed over first. The error does not come again by itself: events that did not fit
        // into an answer have been passed over.
        // https://github.com/open-telemetry/opentelemetry-collector-contrib/issues/38149
        if (!is_invalid_operation(events.error())) failed_ = events.error();
        break;
      }
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
    batch.gap |= std::exchange(gap_, false);
    if (!read_any) return batch;
    read_nothing_ = false;
    auto text = bookmark_text(bookmark_);
    if (!text) return fail(ErrorCode::unavailable, std::move(text).error().what);
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

  // Read although Windows has not signalled since the end, a healthy subscription answers that the operation is
  // invalid. No page says so, nor that some answer this for ever: https://github.com/vectordotdev/vector/issues/26117
  // A signal may be left over from events that were read meanwhile; one after a read that gave nothing announces events
  // for certain, and a subscription that refuses these is opened again.
  bool was_signalled() const {
    const bool set_now = WaitForSingleObject(signal_->event.get(), 0) == WAIT_OBJECT_0;
    return std::exchange(signal_->consumed, false) || set_now;
  }

  std::string channel_;
  std::shared_ptr<EventSignal> signal_;
  UniqueEvt bookmark_;
  UniqueEvt results_;          // Closed before the signal that it sets.
  bool gap_;                   // Of the next batch.
  bool read_nothing_ = false;  // The last time.
  std::optional<Error> failed_;
};

// A bookmark that is no bookmark is as useless as one whose record is gone.
Result<UniqueEvt> make_bookmark(const std::optional<std::string>& text, std::string_view channel) {
  UniqueEvt bookmark{EvtCreateBookmark(text ? widen(*text).c_str() : nullptr)};
  if (bookmark) return bookmark;
  auto error = last_error(about_channel("make a bookmark for", channel));
  if (text) error.code = ErrorCode::corrupt;
  return fail(std::move(error));
}

UniqueEvt try_open(const ChannelQuery& query, const UniqueKernel& signal, const UniqueEvt* bookmark, DWORD flags) {
  return UniqueEvt{EvtSubscribe(nullptr, signal.get(), widen(query.channel).c_str(), widen(query.xpath).c_str(),
                                bookmark ? bookmark->get() : nullptr, nullptr, nullptr, flags)};
}

// All else that is handed over never changes. The last two are told of EvtNext; should EvtSubscribe say them of a
// bookmark, it would never open again: https://github.com/elastic/beats/issues/39456,
// https://github.com/vectordotdev/vector/pull/26118
bool is_bookmarks_fault(DWORD code) {
  return code == ERROR_NOT_FOUND || code == ERROR_EVT_QUERY_RESULT_STALE ||
         code == ERROR_EVT_QUERY_RESULT_INVALID_POSITION || code == ERROR_INVALID_PARAMETER;
}

// Strict says that the bookmarked record is gone: overwritten, cleared away, or not at all, because it also says so of
// records that exist: https://github.com/vectordotdev/vector/pull/26120. What the channel holds decides. The oldest
// record is where to go on if it is gone: without Strict a subscription "begins with the event that is after the event
// that is closest to the bookmarked event", which nobody has read.
// https://learn.microsoft.com/windows/win32/api/winevt/ne-winevt-evt_subscribe_flags
Opened open_without_record(const ChannelQuery& query, const UniqueKernel& signal, const UniqueEvt& bookmark,
                           std::uint64_t bookmarked, const Result<ChannelRecords>& held) {
  const bool missing = !held || misses_records(*held, bookmarked);
  if (missing) log::warning("channel {} no longer holds all that was not read", query.channel);
  const bool is_there = held && held->count > 0 && held->oldest <= bookmarked && bookmarked <= held->newest();
  const DWORD from = is_there || !held ? EvtSubscribeStartAfterBookmark : EvtSubscribeStartAtOldestRecord;
  const bool by_bookmark = from == EvtSubscribeStartAfterBookmark;
  // With Strict the healthy bookmark would be refused again.
  return {try_open(query, signal, by_bookmark ? &bookmark : nullptr, by_bookmark ? from : from | EvtSubscribeStrict),
          missing};
}

Result<Opened> open(const ChannelQuery& query, const UniqueKernel& signal, const UniqueEvt* bookmark,
                    std::uint64_t bookmarked, const std::function<Result<ChannelRecords>()>& records) {
  const DWORD from = bookmark ? EvtSubscribeStartAfterBookmark : EvtSubscribeToFutureEvents;
  const bool of_no_record = bookmark && bookmarked == 0;
  Opened opened;
  if (!of_no_record) opened.results = try_open(query, signal, bookmark, from | EvtSubscribeStrict);
  if (of_no_record || (!opened.results && bookmark && GetLastError() == ERROR_NOT_FOUND)) {
    opened = open_without_record(query, signal, *bookmark, bookmarked, records());
  }
  if (opened.results) return opened;
  const auto code = GetLastError();
  auto error = win32_error(about_channel("open", query.channel), code);
  if (bookmark && is_bookmarks_fault(code)) {
    error.code = ErrorCode::corrupt;
    error.hint = "Open the channel without a bookmark.";
  }
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
  const auto signal =
      std::make_shared<EventSignal>(EventSignal{UniqueKernel{CreateEventW(nullptr, FALSE, TRUE, nullptr)}});
  if (!signal->event) return fail(last_error("cannot create an event"));

  auto opened = open(query, signal->event, bookmark ? &*position : nullptr,
                     bookmark ? bookmarked_record(*bookmark).value_or(0) : 0, [&] { return records(query.channel); });
  if (!opened) return fail(std::move(opened).error());
  signals_.emplace_back(signal);
  return std::make_unique<Subscription>(query.channel, signal, std::move(*position), std::move(*opened));
}

void Win32EventChannels::wait(std::stop_token stop, Duration at_most) {
  const std::stop_callback stopped(stop, [this] { wake(); });
  std::vector<std::shared_ptr<EventSignal>> alive;
  std::vector<HANDLE> handles{wake_.get()};
  for (const auto& weak : signals_) {
    if (auto signal = weak.lock()) {
      handles.push_back(signal->event.get());
      alive.push_back(std::move(signal));
    }
  }
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(std::max(at_most, Duration::zero()));
  const auto milliseconds = static_cast<DWORD>(std::min<std::int64_t>(time.count(), INFINITE - 1));
  const auto set =
      WaitForMultipleObjects(static_cast<DWORD>(handles.size()), handles.data(), FALSE, milliseconds) - WAIT_OBJECT_0;
  if (set > 0 && set < handles.size()) alive[set - 1]->consumed = true;
}

void Win32EventChannels::wake() {
  SetEvent(wake_.get());
}

}  // namespace rdpmend::win32
