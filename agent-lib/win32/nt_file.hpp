// Files opened with exactly the rights that are named. CreateFile always asks for SYNCHRONIZE and FILE_READ_ATTRIBUTES
// besides, and neither is among the rights that an owner has without any entry: READ_CONTROL and WRITE_DAC.
// https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntopenfile
// https://learn.microsoft.com/windows/win32/secauthz/well-known-sids (OWNER RIGHTS)
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

// An absolute path. Folders open, too, and what a link names does not: the link itself does. Empty: there is nothing by
// that name.
Result<UniqueFile> open_exactly(const std::wstring& path, ACCESS_MASK rights, std::string_view doing);

}  // namespace rdpmend::win32
