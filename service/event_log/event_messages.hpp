// Journal entries as messages for the Windows event log: which of them are told, and under which id. The texts stand in
// messages.mc. Ids, once released, keep their meaning, because watchers key on them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

// As in bits 30 and 31 of a message id: https://learn.microsoft.com/windows/win32/eventlog/event-identifiers
enum class EventSeverity : std::uint32_t { informational = 1, warning = 2, error = 3 };

struct EventKind {
  std::uint16_t id;
  EventSeverity severity;
  std::string_view symbol;  // In messages.mc.
  std::size_t inserts;
};
std::span<const EventKind> event_kinds();

struct EventMessage {
  const EventKind* kind = nullptr;
  std::vector<std::string> inserts;  // As many as the kind has.
};

// nullopt: the event log need not know.
std::optional<EventMessage> to_event(const v1::JournalEntry& entry);

EventMessage could_not_start(const Error& error);
// The journal cannot tell of itself.
EventMessage journal_trouble(const std::string& what);

}  // namespace rdpmend
