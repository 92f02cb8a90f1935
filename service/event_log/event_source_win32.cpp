// The source's entry in the registry of the event log Application, which names the library with the texts.
#include "service/event_log/event_source.hpp"

#include <string>

#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/event_log/event_log.hpp"

namespace rdpmend {

namespace {

std::wstring source_key() {
  return std::wstring(L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\") + k_event_source;
}

}  // namespace

std::filesystem::path message_file(const std::filesystem::path& program) {
  return program.parent_path() / L"rdpmend-messages.dll";
}

Status add_event_source(const std::filesystem::path& messages) {
  constexpr auto k_doing = "cannot register the event source";
  const auto& file = messages.native();
  win32::UniqueKey key;
  if (const LSTATUS code = RegCreateKeyExW(HKEY_LOCAL_MACHINE, source_key().c_str(), 0, nullptr, 0,
                                           KEY_SET_VALUE | KEY_WOW64_64KEY, nullptr, key.out(), nullptr);
      code != ERROR_SUCCESS)
    return fail(win32::win32_error(k_doing, static_cast<DWORD>(code)));
  const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
  LSTATUS code =
      RegSetValueExW(key.get(), L"EventMessageFile", 0, REG_EXPAND_SZ, reinterpret_cast<const BYTE*>(file.c_str()),
                     static_cast<DWORD>((file.size() + 1) * sizeof(wchar_t)));
  if (code == ERROR_SUCCESS)
    code =
        RegSetValueExW(key.get(), L"TypesSupported", 0, REG_DWORD, reinterpret_cast<const BYTE*>(&types), sizeof types);
  if (code != ERROR_SUCCESS) return fail(win32::win32_error(k_doing, static_cast<DWORD>(code)));
  return {};
}

Status remove_event_source() {
  const LSTATUS code = RegDeleteKeyExW(HKEY_LOCAL_MACHINE, source_key().c_str(), KEY_WOW64_64KEY, 0);
  if (code == ERROR_SUCCESS || code == ERROR_FILE_NOT_FOUND) return {};
  return fail(win32::win32_error("cannot remove the event source", static_cast<DWORD>(code)));
}

}  // namespace rdpmend
