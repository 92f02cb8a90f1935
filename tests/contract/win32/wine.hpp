// Whether this is Wine, which tells so itself, for the words of a skipped test only.
#pragma once

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/os.hpp"

namespace rdpmend::contract {

inline bool is_wine() {
  return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
}

// "Wine: EvtQuery returns no handle and no error".
inline Status not_here(const std::string& why) {
  return fail(ErrorCode::unsupported, (is_wine() ? "Wine: " : "Windows: ") + why);
}

}  // namespace rdpmend::contract
