// Codes: https://learn.microsoft.com/windows/win32/debug/system-error-codes
// and https://learn.microsoft.com/windows/win32/com/com-error-codes-4
#include "agent-lib/win32/os_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <winternl.h>

namespace rdpmend::win32 {

namespace {

struct Meaning {
  std::uint32_t os;
  ErrorCode code;
  std::string_view text;
  std::string_view hint = {};
};

constexpr std::string_view k_rights = "Run as SYSTEM or as an elevated administrator.";

constexpr Meaning k_win32[] = {
    {ERROR_FILE_NOT_FOUND, ErrorCode::not_found, "it does not exist"},
    {ERROR_PATH_NOT_FOUND, ErrorCode::not_found, "its folder or key does not exist"},
    {ERROR_ACCESS_DENIED, ErrorCode::denied, "access is denied", k_rights},
    {ERROR_NOT_ENOUGH_MEMORY, ErrorCode::exhausted, "there is not enough memory"},
    {ERROR_OUTOFMEMORY, ErrorCode::exhausted, "there is not enough memory"},
    {ERROR_SHARING_VIOLATION, ErrorCode::unavailable, "another program has it open"},
    {ERROR_FILE_EXISTS, ErrorCode::already_exists, "something of that name is there"},
    {ERROR_ALREADY_EXISTS, ErrorCode::already_exists, "something of that name is there"},
    {ERROR_NOT_SAME_DEVICE, ErrorCode::unsupported, "the two folders are on different volumes",
     "Keep the service's data on the volume of ProgramData."},
    {ERROR_NOT_SUPPORTED, ErrorCode::unsupported, "this system cannot do that"},
    {ERROR_CALL_NOT_IMPLEMENTED, ErrorCode::unsupported, "this system cannot do that"},
    {ERROR_INVALID_NAME, ErrorCode::invalid_argument, "the name has characters that names cannot have"},
    {ERROR_INVALID_PARAMETER, ErrorCode::invalid_argument, "a parameter is wrong"},
    {ERROR_TIMEOUT, ErrorCode::timeout, "it took too long"},
    {ERROR_NOT_FOUND, ErrorCode::not_found, "it does not exist"},
    {ERROR_PRIVILEGE_NOT_HELD, ErrorCode::denied, "a privilege is missing", k_rights},
    {ERROR_INVALID_OWNER, ErrorCode::denied, "that owner may not be set", k_rights},
    {ERROR_SERVICE_DOES_NOT_EXIST, ErrorCode::not_found, "there is no such service"},
    {ERROR_SERVICE_DISABLED, ErrorCode::conflict, "it is disabled", "Set its start type to manual first."},
    {ERROR_DEPENDENT_SERVICES_RUNNING, ErrorCode::conflict, "services that depend on it run",
     "Stop its dependents first."},
    {ERROR_SERVICE_CANNOT_ACCEPT_CTRL, ErrorCode::unavailable, "it is starting or stopping",
     "Wait until it has settled; if it never does, restart the computer."},
    {ERROR_SERVICE_REQUEST_TIMEOUT, ErrorCode::unavailable, "it did not respond in time",
     "Look for its errors in the System event log."},
    {ERROR_SERVICE_DATABASE_LOCKED, ErrorCode::unavailable, "the service database is locked"},
    {ERROR_SERVICE_DEPENDENCY_FAIL, ErrorCode::unavailable, "a service that it needs did not start",
     "Look for that service's errors in the System event log."},
    {ERROR_SERVICE_LOGON_FAILED, ErrorCode::denied, "its account could not log on", "Check the account it runs as."},
    {ERROR_SERVICE_MARKED_FOR_DELETE, ErrorCode::conflict, "it is being deleted"},
    {ERROR_SHUTDOWN_IN_PROGRESS, ErrorCode::unavailable, "the computer is shutting down"},
    {RPC_S_SERVER_UNAVAILABLE, ErrorCode::unavailable, "the service behind it does not run"},
    {RPC_S_SERVER_TOO_BUSY, ErrorCode::unavailable, "the service behind it is too busy"},
    {RPC_S_CALL_FAILED, ErrorCode::unavailable, "the service behind it failed"},
    {RPC_S_INVALID_BOUND, ErrorCode::exhausted, "the events do not fit into one answer"},
    {ERROR_EVT_CHANNEL_NOT_FOUND, ErrorCode::not_found, "there is no such event channel"},
    {ERROR_EVT_INVALID_QUERY, ErrorCode::invalid_argument, "the event query is not valid"},
    {ERROR_EVT_QUERY_RESULT_STALE, ErrorCode::corrupt, "the log was cleared or has wrapped over what was not read yet",
     "Open the channel without a bookmark."},
    {ERROR_EVT_QUERY_RESULT_INVALID_POSITION, ErrorCode::corrupt, "the place where reading goes on is not valid",
     "Open the channel without a bookmark."},
    {ERROR_KEY_DELETED, ErrorCode::not_found, "the registry key was deleted"},
};

constexpr Meaning k_hresult[] = {
    {0x80004001, ErrorCode::unsupported, "this system cannot do that"},                   // E_NOTIMPL
    {0x80040154, ErrorCode::unsupported, "this system has no such component"},            // REGDB_E_CLASSNOTREG
    {0x80090010, ErrorCode::denied, "access is denied", k_rights},                        // NTE_PERM
    {0x80090016, ErrorCode::not_found, "the key does not exist"},                         // NTE_BAD_KEYSET
    {0x80090019, ErrorCode::unsupported, "its cryptographic provider is not installed"},  // NTE_KEYSET_NOT_DEF
    {0x8009001A, ErrorCode::corrupt, "the key is damaged"},                               // NTE_KEYSET_ENTRY_BAD
    {0x80092004, ErrorCode::not_found, "there is no such certificate"},                   // CRYPT_E_NOT_FOUND
    {0x80092005, ErrorCode::already_exists, "it is in the store already"},                // CRYPT_E_EXISTS
    {0x800706BA, ErrorCode::unavailable, "the service behind it does not run"},           // RPC_S_SERVER_UNAVAILABLE
    {0x800706D9, ErrorCode::unavailable, "the service behind it does not run",            // EPT_S_NOT_REGISTERED
     "Check that the services BFE and mpssvc (Windows Defender Firewall) run."},
};

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ' || text.back() == '.')) {
    text.pop_back();
  }
  return text;
}

// What Windows says itself, in its language.
std::string system_text(DWORD code) {
  UniqueHandle<LocalTraits<wchar_t*>> text;
  const DWORD size =
      FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
                     nullptr, code, 0, reinterpret_cast<wchar_t*>(text.out()), 0, nullptr);
  return size == 0 ? fmt::format("error {:#x}", code) : trimmed(narrow({text.get(), size}));
}

template <std::size_t N>
Error to_error(const Meaning (&meanings)[N], std::string_view doing, std::uint32_t code, std::string_view domain) {
  const OsError os{std::string(domain), code};
  const auto* known =
      std::find_if(std::begin(meanings), std::end(meanings), [&](const auto& m) { return m.os == code; });
  if (known != std::end(meanings)) {
    return {known->code, fmt::format("{}: {}", doing, known->text), std::string(known->hint), os};
  }
  // Something that the system would not do, and we do not know why: later may work.
  return {ErrorCode::unavailable, fmt::format("{}: {}", doing, system_text(code)), {}, os};
}

}  // namespace

Error win32_error(std::string_view doing, DWORD code) {
  constexpr DWORD k_failed_hresult = 0x80000000;
  if ((code & k_failed_hresult) != 0) return hresult_error(doing, static_cast<HRESULT>(code));
  // The firewall answers so, too, when its service cannot start (measured.md F5).
  if (code == ERROR_SHUTDOWN_IN_PROGRESS && GetSystemMetrics(SM_SHUTTINGDOWN) == 0) {
    return {ErrorCode::unavailable,
            fmt::format("{}: it answers that the computer is shutting down, which it is not", doing),
            "Check that the services BFE and mpssvc run.", OsError{"win32", code}};
  }
  return to_error(k_win32, doing, code, "win32");
}

Error hresult_error(std::string_view doing, HRESULT code) {
  const auto value = static_cast<std::uint32_t>(code);
  constexpr std::uint32_t k_from_win32 = 0x80070000;
  const bool named =
      std::any_of(std::begin(k_hresult), std::end(k_hresult), [&](const auto& m) { return m.os == value; });
  if (!named && (value & 0xFFFF0000) == k_from_win32) return win32_error(doing, value & 0xFFFF);
  return to_error(k_hresult, doing, value, "hresult");
}

// https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-rtlntstatustodoserror
Error nt_error(std::string_view doing, LONG status) {
  return win32_error(doing, RtlNtStatusToDosError(status));
}

}  // namespace rdpmend::win32
