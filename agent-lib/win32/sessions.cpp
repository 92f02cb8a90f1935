// https://learn.microsoft.com/windows/win32/api/wtsapi32/nf-wtsapi32-wtsenumeratesessionsw
#include "agent-lib/win32/sessions.hpp"

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <wtsapi32.h>

namespace rdpmend::win32 {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_deadline = 5s;
constexpr std::string_view k_doing = "cannot list the sessions";

template <class T>
struct WtsTraits {
  using Raw = T;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { WTSFreeMemory(raw); }
};

// Somebody's: not the services' session 0, not the listener's row, not one that is being made or torn down.
bool is_somebodys(const WTS_SESSION_INFOW& session) {
  const auto state = session.State;
  return session.SessionId != 0 && (state == WTSActive || state == WTSConnected || state == WTSConnectQuery ||
                                    state == WTSShadow || state == WTSDisconnected);
}

// WTSClientProtocolType: 0 the console, 2 RDP. What cannot be told counts as remote: a repair that asks whom it would
// disturb had better hear of one too many.
bool is_remote(DWORD id) {
  constexpr USHORT k_rdp = 2;
  UniqueHandle<WtsTraits<wchar_t*>> protocol;
  DWORD size = 0;
  if (!WTSQuerySessionInformationW(WTS_CURRENT_SERVER_HANDLE, id, WTSClientProtocolType, protocol.out(), &size)) {
    return true;
  }
  return size < sizeof(USHORT) || *reinterpret_cast<const USHORT*>(protocol.get()) == k_rdp;
}

Result<std::vector<Session>> list_now() {
  UniqueHandle<WtsTraits<WTS_SESSION_INFOW*>> entries;
  DWORD count = 0;
  if (!WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, entries.out(), &count)) {
    return fail(last_error(k_doing));
  }
  std::vector<Session> sessions;
  for (DWORD i = 0; i < count; ++i) {
    const auto& entry = entries.get()[i];
    if (!is_somebodys(entry)) continue;
    sessions.push_back(
        {.id = entry.SessionId, .remote = is_remote(entry.SessionId), .active = entry.State != WTSDisconnected});
  }
  return sessions;
}

}  // namespace

Result<std::vector<Session>> Win32Sessions::list() const {
  return call_.run(std::string(k_doing), k_deadline, list_now);
}

}  // namespace rdpmend::win32
