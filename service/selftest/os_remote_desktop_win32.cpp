// What TermService and SessionEnv show of themselves. WTS calls can hang when TermService is sick, hence the deadlines.
// https://learn.microsoft.com/windows/win32/api/wtsapi32/nf-wtsapi32-wtsenumeratelistenersw
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/win32/bounded_call.hpp"
#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/selftest/os_checks.hpp"
// After os.hpp.
#include <wtsapi32.h>

namespace rdpmend {

namespace {

using Names = std::vector<std::string>;

constexpr Duration k_deadline = std::chrono::seconds{5};
constexpr std::string_view k_listener = "RDP-Tcp";

using ListenerName = std::array<wchar_t, 33>;  // WTSLISTENERNAMEW, which mingw-w64 does not declare.
using EnumerateListeners = BOOL(WINAPI*)(HANDLE, void*, DWORD, ListenerName*, DWORD*);

Result<Names> running_listeners() {
  constexpr auto k_doing = "cannot list the listeners";
  const HMODULE module = LoadLibraryExW(L"wtsapi32.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
  const auto function = module == nullptr ? nullptr : GetProcAddress(module, "WTSEnumerateListenersW");
  const auto enumerate = reinterpret_cast<EnumerateListeners>(reinterpret_cast<void (*)()>(function));
  if (enumerate == nullptr) return fail(ErrorCode::unsupported, "there is no WTSEnumerateListeners");
  DWORD count = 0;
  if (enumerate(nullptr, nullptr, 0, nullptr, &count) == 0) return fail(win32::last_error(k_doing));
  std::vector<ListenerName> names(count);
  if (count != 0 && enumerate(nullptr, nullptr, 0, names.data(), &count) == 0) return fail(win32::last_error(k_doing));
  Names found;
  for (DWORD i = 0; i < std::min<std::size_t>(count, names.size()); ++i)
    found.push_back(win32::narrow(names[i].data()));
  return found;
}

struct WtsTraits {
  using Raw = WTS_SESSION_INFOW*;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { WTSFreeMemory(raw); }
};

// Names of the sessions that are listeners: what qwinsta shows as "Listen".
Result<Names> listening_sessions() {
  win32::UniqueHandle<WtsTraits> sessions;
  DWORD count = 0;
  if (WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, sessions.out(), &count) == 0)
    return fail(win32::last_error("cannot list the sessions"));
  Names found;
  for (DWORD i = 0; i < count; ++i) {
    const auto& session = sessions.get()[i];
    if (session.State == WTSListen && session.pWinStationName != nullptr)
      found.push_back(win32::narrow(session.pWinStationName));
  }
  return found;
}

void check_names(const Assumption& assumption, win32::BoundedCall<Names>::Call call, Checks& checks) {
  const win32::BoundedCall<Names> bounded;
  const auto names = bounded.run(assumption.what, k_deadline, std::move(call));
  if (!names) return checks.failed(assumption, names.error());
  const bool there = std::any_of(names->begin(), names->end(),
                                 [](const auto& name) { return equals_ignoring_case(name, k_listener); });
  checks.compare(there, assumption, names->empty() ? "none" : fmt::format("{}", fmt::join(*names, ", ")));
}

// SessionEnv waits for it, and looks at the certificate when it is set. Opened, never set. "Local" to session 0, where
// services live, is "Global" to everybody.
void check_certificate_event(Checks& checks) {
  const Assumption assumption{R"(event Local\TS Certificate Update Event of session 0)", "exists",
                              "rdp-host.md 2.1, 8.4.9, UNVERIFIED"};
  const win32::UniqueKernel event(OpenEventW(SYNCHRONIZE, FALSE, L"Global\\TS Certificate Update Event"));
  if (event) return checks.holds(assumption, "exists");
  const DWORD code = GetLastError();
  if (code == ERROR_ACCESS_DENIED) return checks.holds(assumption, "exists; we may not open it");
  if (code == ERROR_FILE_NOT_FOUND)
    return checks.not_here(assumption, "does not exist: SessionEnv may not run, or this build has another way");
  checks.failed(assumption, win32::win32_error("cannot open it", code));
}

}  // namespace

void check_remote_desktop_calls(v1::SelfTestResponse& all) {
  Checks checks("Remote Desktop", all);
  check_names({"running listeners (WTSEnumerateListeners)", "RDP-Tcp among them", "rdp-host.md 5, 7.4"},
              running_listeners, checks);
  check_names({"sessions in state Listen (WTSEnumerateSessions)", "RDP-Tcp among them", "rdp-host.md 5"},
              listening_sessions, checks);
  check_certificate_event(checks);
}

}  // namespace rdpmend
