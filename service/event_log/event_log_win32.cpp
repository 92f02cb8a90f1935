// https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-reporteventw
#include <vector>

#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "service/event_log/event_log.hpp"

namespace rdpmend {

namespace {

// ReportEvent takes 31,839 characters an insert, and about 60 KiB in all.
constexpr std::size_t k_longest_insert = 4000;
constexpr unsigned k_severity_bit = 30;

WORD type_of(EventSeverity severity) {
  switch (severity) {
    case EventSeverity::informational: return EVENTLOG_INFORMATION_TYPE;
    case EventSeverity::warning: return EVENTLOG_WARNING_TYPE;
    case EventSeverity::error: return EVENTLOG_ERROR_TYPE;
  }
  return EVENTLOG_ERROR_TYPE;
}

}  // namespace

void EventLog::SourceTraits::close(Raw raw) {
  DeregisterEventSource(raw);
}

Status EventLog::report(const EventMessage& message) {
  if (!source_) source_.reset(RegisterEventSourceW(nullptr, k_event_source));
  if (!source_) return fail(win32::last_error("cannot open the event log"));
  std::vector<std::wstring> wide;
  for (const auto& insert : message.inserts) wide.push_back(win32::widen(insert).substr(0, k_longest_insert));
  std::vector<const wchar_t*> inserts;
  for (const auto& insert : wide) inserts.push_back(insert.c_str());
  const auto& kind = *message.kind;
  const DWORD id = (static_cast<DWORD>(kind.severity) << k_severity_bit) | kind.id;
  if (ReportEventW(source_.get(), type_of(kind.severity), 0, id, nullptr, static_cast<WORD>(inserts.size()), 0,
                   inserts.data(), nullptr) != 0)
    return {};
  auto error = win32::last_error("cannot write to the event log");
  source_.reset();  // It may belong to an event log that was started again since.
  return fail(std::move(error));
}

}  // namespace rdpmend
