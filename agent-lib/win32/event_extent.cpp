// What a channel holds: how far its records reach, and the newest one that a query asks for.
// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtgetloginfo
#include "agent-lib/win32/event_channels.hpp"
#include "agent-lib/win32/event_rendering.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

constexpr Duration k_deadline = std::chrono::seconds{5};

Result<std::uint64_t> log_number(const UniqueEvt& log, EVT_LOG_PROPERTY_ID property, std::string_view channel) {
  EVT_VARIANT value{};
  DWORD used = 0;
  if (!EvtGetLogInfo(log.get(), property, sizeof value, &value, &used)) {
    return fail(last_error(about_channel("look into", channel)));
  }
  return value.Type == EvtVarTypeUInt64 ? value.UInt64Val : 0;
}

Result<ChannelRecords> records_of(const std::string& channel) {
  const UniqueEvt log{EvtOpenLog(nullptr, widen(channel).c_str(), EvtOpenChannelPath)};
  if (!log) return fail(last_error(about_channel("look into", channel)));
  const auto oldest = log_number(log, EvtLogOldestRecordNumber, channel);
  const auto count = log_number(log, EvtLogNumberOfLogRecords, channel);
  if (!oldest) return fail(oldest.error());
  if (!count) return fail(count.error());
  // No page says what the oldest record of an empty log is.
  return *count == 0 ? ChannelRecords{} : ChannelRecords{*oldest, *count};
}

// The record's number is in a bookmark of it; rendering the event would need its publisher's resources.
Result<std::uint64_t> newest_of(const ChannelQuery& query) {
  const UniqueEvt results{EvtQuery(nullptr, widen(query.channel).c_str(), widen(query.xpath).c_str(),
                                   EvtQueryChannelPath | EvtQueryReverseDirection)};
  if (!results) return fail(last_error(about_channel("query", query.channel)));
  const auto events = next_events(results, 1, query.channel);
  if (!events) return fail(events.error());
  if (events->empty()) return 0;
  const UniqueEvt bookmark{EvtCreateBookmark(nullptr)};
  if (!bookmark || !EvtUpdateBookmark(bookmark.get(), events->front().get())) {
    return fail(last_error(about_channel("bookmark", query.channel)));
  }
  const auto text = bookmark_text(bookmark);
  if (!text) return fail(text.error());
  return bookmarked_record(*text).value_or(0);
}

}  // namespace

Result<ChannelRecords> Win32EventChannels::records(std::string_view channel) const {
  return records_call_.run(about_channel("look into", channel), k_deadline,
                           [name = std::string(channel)] { return records_of(name); });
}

Result<std::uint64_t> Win32EventChannels::newest(const ChannelQuery& query) const {
  return newest_call_.run(about_channel("query", query.channel), k_deadline, [query] { return newest_of(query); });
}

}  // namespace rdpmend::win32
