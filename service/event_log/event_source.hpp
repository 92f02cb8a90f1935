// The event source's registration, by which Event Viewer finds the texts of our events. Windows only.
// https://learn.microsoft.com/windows/win32/eventlog/event-sources
#pragma once

#include <filesystem>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

// Beside the program. A library of texts alone, which hardly ever changes: the event log, Event Viewer and whatever
// collects events keep the registered file open, and a program that is registered so cannot be replaced in an upgrade.
std::filesystem::path message_file(const std::filesystem::path& program);

Status add_event_source(const std::filesystem::path& messages);
// Fine if there is none.
Status remove_event_source();

}  // namespace rdpmend
