// The Windows event log Application, as source rdpmend. Windows only.
#pragma once

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/event_log/event_messages.hpp"

namespace rdpmend {

inline constexpr wchar_t k_event_source[] = L"rdpmend";

class EventLog {
 public:
  Status report(const EventMessage& message);

 private:
  struct SourceTraits {
    using Raw = HANDLE;
    static Raw none() { return nullptr; }
    static void close(Raw raw);
  };
  win32::UniqueHandle<SourceTraits> source_;
};

}  // namespace rdpmend
