#include "agent-lib/win32/event_rendering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

// An event has at most 64 KiB, an answer of the service at most 2 MiB (MAX_RPC_BATCH_SIZE in MS-EVEN6 2.2.1): so many
// should always fit. When they do not, EvtNext fails with RPC_S_INVALID_BOUND and has moved on.
constexpr std::size_t k_events_per_call = 16;
constexpr DWORD k_answer_ms = 5000;  // Of the service; "no more items" comes at once.
constexpr DWORD k_max_rendered_bytes = 8 << 20;

Result<std::string> render(const UniqueEvt& fragment, DWORD flags, std::string_view doing) {
  std::wstring text(4096, L'\0');
  for (;;) {
    const auto size = static_cast<DWORD>(text.size() * sizeof(wchar_t));
    DWORD used = 0;
    DWORD properties = 0;
    if (EvtRender(nullptr, fragment.get(), flags, size, text.data(), &used, &properties)) break;
    if (GetLastError() != ERROR_INSUFFICIENT_BUFFER) return fail(last_error(doing));
    if (used <= size || used > k_max_rendered_bytes) {
      return fail(ErrorCode::exhausted, fmt::format("{}: it would have {} bytes", doing, used));
    }
    text.resize(used / sizeof(wchar_t) + 1);
  }
  return narrow(text.substr(0, text.find(L'\0')));
}

}  // namespace

std::string about_channel(std::string_view verb, std::string_view channel) {
  return fmt::format("cannot {} event channel {}", verb, channel);
}

// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtnext
Result<std::vector<UniqueEvt>> next_events(const UniqueEvt& results, std::size_t max, std::string_view channel) {
  std::array<EVT_HANDLE, k_events_per_call> raw{};
  const auto wanted = static_cast<DWORD>(std::min(max, raw.size()));
  DWORD count = 0;
  if (!EvtNext(results.get(), wanted, raw.data(), k_answer_ms, 0, &count)) {
    const DWORD code = GetLastError();
    if (code == ERROR_NO_MORE_ITEMS) return std::vector<UniqueEvt>{};
    auto error = win32_error(about_channel("read", channel), code);
    // Of a subscription that is the word for events which do not fit, and for nothing else.
    if (error.code == ErrorCode::exhausted && code != RPC_S_INVALID_BOUND) error.code = ErrorCode::unavailable;
    return fail(std::move(error));
  }
  std::vector<UniqueEvt> events;
  for (DWORD i = 0; i < count; ++i) events.emplace_back(raw[i]);
  return events;
}

bool is_invalid_operation(const Error& error) {
  return error.os && error.os->value == ERROR_INVALID_OPERATION;
}

Result<std::string> event_xml(const UniqueEvt& event) {
  return render(event, EvtRenderEventXml, "cannot render an event");
}

Result<std::string> bookmark_text(const UniqueEvt& bookmark) {
  return render(bookmark, EvtRenderBookmark, "cannot render a bookmark");
}

}  // namespace rdpmend::win32
