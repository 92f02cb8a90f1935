// The one place where the operating system's codes become Errors: kind, words, hint.
#pragma once

#include <string_view>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/os.hpp"

namespace rdpmend::win32 {

// "cannot open service X: access is denied". A code of CryptoAPI, which reports HRESULTs through GetLastError, is taken
// as what it is.
Error win32_error(std::string_view doing, DWORD code);
Error hresult_error(std::string_view doing, HRESULT code);
Error nt_error(std::string_view doing, LONG status);  // An NTSTATUS.
// Of the call just made: nothing may come between.
inline Error last_error(std::string_view doing) {
  return win32_error(doing, GetLastError());
}

}  // namespace rdpmend::win32
