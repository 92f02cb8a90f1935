// Owner and DACL of a file or registry key that is open: as Windows keeps them, and as our message.
#pragma once

#include <string_view>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/os.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend::win32 {

// unsupported: the DACL has entries that are neither plain allow nor plain deny, which we could not write back.
Result<v1::FileSecurity> read_security(HANDLE file, std::string_view doing);
Result<v1::FileSecurity> read_security(HKEY key, std::string_view doing);

// The DACL alone, of this file alone. The handle needs READ_CONTROL and WRITE_DAC.
Status write_dacl(HANDLE file, const v1::FileSecurity& security, std::string_view doing);

}  // namespace rdpmend::win32
