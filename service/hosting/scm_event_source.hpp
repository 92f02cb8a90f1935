// The event source's registration, by which Event Viewer finds the texts in rdpmendd.exe. Windows only.
// https://learn.microsoft.com/windows/win32/eventlog/event-sources
#pragma once

#include "agent-lib/support/result.hpp"

namespace rdpmend {

Status add_event_source();
// Fine if there is none.
Status remove_event_source();

}  // namespace rdpmend
