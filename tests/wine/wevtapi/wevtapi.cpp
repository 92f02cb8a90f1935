// wevtapi.dll for a machine without one: Wine's answers nothing. The functions that the product calls, over the
// laboratory's channel store, by the documented semantics; each behaviour names its page where it is decided.
// https://learn.microsoft.com/windows/win32/wes/windows-event-log-functions
#include <windows.h>
#include <winevt.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/text.hpp"
#include "tests/wine/wevtapi/handles.hpp"
#include "tests/wine/wevtapi/store_watch.hpp"

namespace rdpmend::lab {

namespace {

constexpr DWORD k_open_timeout_ms = 10'000;

// Not destroyed at the end of the process: other threads may still be inside.
Handles& handles() {
  static auto& all = *new Handles;
  return all;
}

StoreWatch& store_watch() {
  static auto& watch = *new StoreWatch([] {
    for (const auto& subscription : handles().subscriptions()) subscription->look();
  });
  return watch;
}

thread_local std::string extended_status;

std::nullptr_t fail(DWORD error) {
  SetLastError(error);
  return nullptr;
}
BOOL refuse(DWORD error) {
  SetLastError(error);
  return FALSE;
}

std::string text_of(LPCWSTR text) {
  return text ? narrow(text) : std::string();
}

// No exception leaves a DLL's function.
template <class Function, class Failed>
auto guarded(Failed failed, Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const InvalidQuery& error) {
    extended_status = error.what();
    return failed(ERROR_EVT_INVALID_QUERY);
  } catch (const std::exception& error) {
    extended_status = error.what();
    return failed(ERROR_GEN_FAILURE);
  }
}

// "The size, in bytes, of the caller-allocated buffer that the function used or the required buffer size if the
// function fails with ERROR_INSUFFICIENT_BUFFER":
// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtrender
BOOL copy_out(const void* data, std::size_t bytes, DWORD size, void* buffer, DWORD* used) {
  *used = static_cast<DWORD>(bytes);
  if (!buffer || size < bytes) return refuse(ERROR_INSUFFICIENT_BUFFER);
  std::memcpy(buffer, data, bytes);
  SetLastError(ERROR_SUCCESS);
  return TRUE;
}

BOOL copy_out(const std::wstring& text, DWORD size, void* buffer, DWORD* used) {
  return copy_out(text.c_str(), (text.size() + 1) * sizeof(wchar_t), size, buffer, used);
}

EVT_VARIANT variant(bool value) {
  EVT_VARIANT out{};
  out.BooleanVal = value;
  out.Type = EvtVarTypeBoolean;
  return out;
}
EVT_VARIANT variant(std::uint32_t value) {
  EVT_VARIANT out{};
  out.UInt32Val = value;
  out.Type = EvtVarTypeUInt32;
  return out;
}
EVT_VARIANT variant(std::uint64_t value) {
  EVT_VARIANT out{};
  out.UInt64Val = value;
  out.Type = EvtVarTypeUInt64;
  return out;
}

EVT_HANDLE add_subscription(Channel channel, EventQuery query, Subscription::Start start, bool strict, HANDLE signal) {
  const auto subscription = std::make_shared<Subscription>(std::move(channel), std::move(query), start, strict, signal);
  const auto handle = handles().add(subscription);
  store_watch().begin();
  subscription->look();  // What is there already is a reason to signal.
  return handle;
}

// Where a subscription begins; an error code if it cannot.
// https://learn.microsoft.com/windows/win32/api/winevt/ne-winevt-evt_subscribe_flags
DWORD find_start(Channel& channel, const Bookmark* bookmark, DWORD flags, Subscription::Start& start) {
  const auto extent = channel.extent(k_open_timeout_ms);
  if (!extent) return ERROR_TIMEOUT;
  switch (flags & EvtSubscribeOriginMask) {
    case EvtSubscribeToFutureEvents: start.after = extent->last; return ERROR_SUCCESS;
    case EvtSubscribeStartAtOldestRecord: start.after = extent->oldest - 1; return ERROR_SUCCESS;
    case EvtSubscribeStartAfterBookmark: break;
    default: return ERROR_INVALID_PARAMETER;
  }
  if (!bookmark) return ERROR_INVALID_PARAMETER;
  const bool strict = (flags & EvtSubscribeStrict) != 0;
  if (bookmark->channel.empty()) {
    if (strict) return ERROR_NOT_FOUND;
    start = {extent->oldest - 1, true};  // https://learn.microsoft.com/windows/win32/wes/bookmarking-events
    return ERROR_SUCCESS;
  }
  const bool exists = equal_ignoring_case(bookmark->channel, channel.name()) && bookmark->record_id >= extent->oldest &&
                      bookmark->record_id <= extent->last;
  if (strict && (!exists || channel.strict_not_found())) return ERROR_NOT_FOUND;
  // "The subscription begins with the event that is after the event that is closest to the bookmarked event."
  start.after = std::clamp(bookmark->record_id, std::min(extent->oldest, extent->last), extent->last);
  return ERROR_SUCCESS;
}

EVT_HANDLE subscribe(HANDLE signal, LPCWSTR path, LPCWSTR text, EVT_HANDLE bookmark_handle, DWORD flags) {
  auto query = EventQuery::parse(text_of(path), text_of(text));
  auto channel = Channel::open(query.channel);
  if (!channel) return fail(ERROR_EVT_CHANNEL_NOT_FOUND);
  // "You cannot subscribe to an Analytic or Debug channel":
  // https://learn.microsoft.com/windows/win32/wes/windows-event-log-error-constants
  if (channel->type() >= ChannelType::analytic) return fail(ERROR_EVT_SUBSCRIPTION_TO_DIRECT_CHANNEL);
  const auto bookmark = handles().find_as<Bookmark>(bookmark_handle);
  if (bookmark_handle && !bookmark) return fail(ERROR_INVALID_HANDLE);
  Subscription::Start start;
  if (const DWORD error = find_start(*channel, bookmark.get(), flags, start)) return fail(error);
  return add_subscription(std::move(*channel), std::move(query), start, (flags & EvtSubscribeStrict) != 0, signal);
}

}  // namespace

}  // namespace rdpmend::lab

using namespace rdpmend::lab;

extern "C" {

EVT_HANDLE WINAPI EvtSubscribe(EVT_HANDLE session, HANDLE signal, LPCWSTR path, LPCWSTR query, EVT_HANDLE bookmark,
                               PVOID, EVT_SUBSCRIBE_CALLBACK callback, DWORD flags) {
  // The laboratory has the pull model only, and no remote hosts.
  if (session || callback) return fail(ERROR_CALL_NOT_IMPLEMENTED);
  if (!signal) return fail(ERROR_INVALID_PARAMETER);
  return guarded(fail, [&]() -> EVT_HANDLE { return subscribe(signal, path, query, bookmark, flags); });
}

EVT_HANDLE WINAPI EvtQuery(EVT_HANDLE session, LPCWSTR path, LPCWSTR text, DWORD flags) {
  if (session || (flags & EvtQueryFilePath)) return fail(ERROR_CALL_NOT_IMPLEMENTED);
  if (!(flags & EvtQueryChannelPath)) return fail(ERROR_INVALID_PARAMETER);
  return guarded(fail, [&]() -> EVT_HANDLE {
    auto query = EventQuery::parse(text_of(path), text_of(text));
    auto channel = Channel::open(query.channel);
    if (!channel) return fail(ERROR_EVT_CHANNEL_NOT_FOUND);
    const bool newest_first = (flags & EvtQueryReverseDirection) != 0;
    return handles().add(std::make_shared<QueryResult>(std::move(*channel), std::move(query), newest_first));
  });
}

// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtnext
WINBOOL WINAPI EvtNext(EVT_HANDLE results, DWORD size, EVT_HANDLE* events, DWORD timeout, DWORD flags,
                       PDWORD returned) {
  if (size == 0 || !events || !returned || flags != 0) return refuse(ERROR_INVALID_PARAMETER);
  *returned = 0;
  return guarded(refuse, [&]() -> BOOL {
    const auto set = handles().find_result_set(results);
    if (!set) return refuse(ERROR_INVALID_HANDLE);
    auto next = set->next(size, timeout);
    if (next.error != ERROR_SUCCESS) return refuse(next.error);
    for (auto& event : next.events) {
      events[(*returned)++] = handles().add(EventObject{set->channel_name(), std::move(event)});
    }
    return TRUE;
  });
}

WINBOOL WINAPI EvtRender(EVT_HANDLE context, EVT_HANDLE fragment, DWORD flags, DWORD size, PVOID buffer, PDWORD used,
                         PDWORD properties) {
  if (!used || !properties) return refuse(ERROR_INVALID_PARAMETER);
  *used = *properties = 0;
  return guarded(refuse, [&]() -> BOOL {
    if (flags == EvtRenderEventValues) return refuse(ERROR_CALL_NOT_IMPLEMENTED);
    // "This parameter must be set to NULL if the Flags parameter is set to EvtRenderEventXml or EvtRenderBookmark".
    if (context) return refuse(ERROR_INVALID_PARAMETER);
    const auto event = handles().find_as<EventObject>(fragment);
    if (flags == EvtRenderEventXml && event) return copy_out(widen(event->event.xml), size, buffer, used);
    const auto bookmark = handles().find_as<Bookmark>(fragment);
    if (flags == EvtRenderBookmark && bookmark) return copy_out(widen(bookmark->text()), size, buffer, used);
    return refuse(ERROR_INVALID_HANDLE);
  });
}

// https://learn.microsoft.com/windows/win32/wes/bookmarking-events
EVT_HANDLE WINAPI EvtCreateBookmark(LPCWSTR xml) {
  return guarded(fail, [&]() -> EVT_HANDLE {
    const auto bookmark = xml ? Bookmark::parse(narrow(xml)) : Bookmark{};
    if (!bookmark) return fail(ERROR_EVT_MALFORMED_XML_TEXT);
    return handles().add(*bookmark);
  });
}

WINBOOL WINAPI EvtUpdateBookmark(EVT_HANDLE bookmark_handle, EVT_HANDLE event_handle) {
  return guarded(refuse, [&]() -> BOOL {
    const auto bookmark = handles().find_as<Bookmark>(bookmark_handle);
    const auto event = handles().find_as<EventObject>(event_handle);
    if (!bookmark || !event) return refuse(ERROR_INVALID_HANDLE);
    *bookmark = {event->channel, event->event.record_id};
    return TRUE;
  });
}

WINBOOL WINAPI EvtClose(EVT_HANDLE handle) {
  return guarded(refuse, [&]() -> BOOL {
    const bool is_subscription = handles().find_as<std::shared_ptr<Subscription>>(handle) != nullptr;
    if (!handles().remove(handle)) return refuse(ERROR_INVALID_HANDLE);
    if (is_subscription) store_watch().end();
    return TRUE;
  });
}

// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtgetextendedstatus: sizes are in characters.
DWORD WINAPI EvtGetExtendedStatus(DWORD size, LPWSTR buffer, PDWORD used) {
  if (!used) return ERROR_INVALID_PARAMETER;
  const auto text = widen(extended_status);
  *used = static_cast<DWORD>(text.size() + 1);
  if (!buffer || size < *used) return ERROR_INSUFFICIENT_BUFFER;
  std::memcpy(buffer, text.c_str(), *used * sizeof(wchar_t));
  return ERROR_SUCCESS;
}

EVT_HANDLE WINAPI EvtOpenChannelConfig(EVT_HANDLE session, LPCWSTR path, DWORD) {
  if (session) return fail(ERROR_CALL_NOT_IMPLEMENTED);
  return guarded(fail, [&]() -> EVT_HANDLE {
    auto channel = Channel::open(text_of(path));
    if (!channel) return fail(ERROR_EVT_CHANNEL_NOT_FOUND);
    return handles().add(ChannelConfigObject{std::move(*channel)});
  });
}

// https://learn.microsoft.com/windows/win32/api/winevt/ne-winevt-evt_channel_config_property_id
WINBOOL WINAPI EvtGetChannelConfigProperty(EVT_HANDLE handle, EVT_CHANNEL_CONFIG_PROPERTY_ID property, DWORD,
                                           DWORD size, PEVT_VARIANT buffer, PDWORD used) {
  return guarded(refuse, [&]() -> BOOL {
    const auto config = handles().find_as<ChannelConfigObject>(handle);
    if (!config) return refuse(ERROR_INVALID_HANDLE);
    EVT_VARIANT value{};
    switch (property) {
      case EvtChannelConfigEnabled: value = variant(config->channel.enabled()); break;
      case EvtChannelConfigType: value = variant(static_cast<std::uint32_t>(config->channel.type())); break;
      case EvtChannelLoggingConfigMaxSize: value = variant(std::uint64_t{20} << 20); break;
      default: return refuse(ERROR_CALL_NOT_IMPLEMENTED);
    }
    return copy_out(&value, sizeof value, size, buffer, used);
  });
}

EVT_HANDLE WINAPI EvtOpenLog(EVT_HANDLE session, LPCWSTR path, DWORD flags) {
  if (session || flags != EvtOpenChannelPath) return fail(ERROR_CALL_NOT_IMPLEMENTED);
  return guarded(fail, [&]() -> EVT_HANDLE {
    auto channel = Channel::open(text_of(path));
    if (!channel) return fail(ERROR_EVT_CHANNEL_NOT_FOUND);
    return handles().add(LogObject{std::move(*channel)});
  });
}

// https://learn.microsoft.com/windows/win32/api/winevt/ne-winevt-evt_log_property_id
WINBOOL WINAPI EvtGetLogInfo(EVT_HANDLE handle, EVT_LOG_PROPERTY_ID property, DWORD size, PEVT_VARIANT buffer,
                             PDWORD used) {
  return guarded(refuse, [&]() -> BOOL {
    const auto log = handles().find_as<LogObject>(handle);
    if (!log) return refuse(ERROR_INVALID_HANDLE);
    const auto extent = log->channel.extent(k_open_timeout_ms);
    if (!extent) return refuse(ERROR_TIMEOUT);
    EVT_VARIANT value{};
    switch (property) {
      case EvtLogNumberOfLogRecords: value = variant(extent->count()); break;
      case EvtLogOldestRecordNumber: value = variant(extent->count() == 0 ? 0 : extent->oldest); break;
      case EvtLogFull: value = variant(false); break;
      default: return refuse(ERROR_CALL_NOT_IMPLEMENTED);
    }
    return copy_out(&value, sizeof value, size, buffer, used);
  });
}

EVT_HANDLE WINAPI EvtOpenChannelEnum(EVT_HANDLE session, DWORD) {
  if (session) return fail(ERROR_CALL_NOT_IMPLEMENTED);
  return guarded(fail, [&]() -> EVT_HANDLE {
    auto names = channel_names();
    std::reverse(names.begin(), names.end());
    return handles().add(ChannelEnumObject{std::move(names)});
  });
}

// Sizes are in characters: https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtnextchannelpath
WINBOOL WINAPI EvtNextChannelPath(EVT_HANDLE handle, DWORD size, LPWSTR buffer, PDWORD used) {
  return guarded(refuse, [&]() -> BOOL {
    const auto channels = handles().find_as<ChannelEnumObject>(handle);
    if (!channels) return refuse(ERROR_INVALID_HANDLE);
    if (channels->left.empty()) return refuse(ERROR_NO_MORE_ITEMS);
    const auto name = widen(channels->left.back());
    *used = static_cast<DWORD>(name.size() + 1);
    if (!buffer || size < *used) return refuse(ERROR_INSUFFICIENT_BUFFER);
    std::memcpy(buffer, name.c_str(), *used * sizeof(wchar_t));
    channels->left.pop_back();
    return TRUE;
  });
}

// The one DLL of the laboratory that every process of the product loads, so it brings the other thing that Wine lacks.
BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID) {
  if (reason == DLL_PROCESS_ATTACH) {
    DisableThreadLibraryCalls(module);
    keep_file_security(Account::system);  // The product's service.
  }
  return TRUE;
}

}  // extern "C"
