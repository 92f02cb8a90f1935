// What subscriptions and look-ups share: handles of the event log, batches of events, events and bookmarks as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <winevt.h>  // After windows.h, which unique_handle.hpp has.

namespace rdpmend::win32 {

struct EvtTraits {
  using Raw = EVT_HANDLE;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { EvtClose(raw); }
};
using UniqueEvt = UniqueHandle<EvtTraits>;

// The next events of a query or subscription, at most `max`; fewer do not mean that there are no more, none does.
Result<std::vector<UniqueEvt>> next_events(const UniqueEvt& results, std::size_t max, std::string_view channel);
// What EvtNext answers where nothing can be read now; whether that is as it should be, the caller knows.
bool is_invalid_operation(const Error& error);

Result<std::string> event_xml(const UniqueEvt& event);
Result<std::string> bookmark_text(const UniqueEvt& bookmark);

// "cannot VERB event channel NAME".
std::string about_channel(std::string_view verb, std::string_view channel);

}  // namespace rdpmend::win32
