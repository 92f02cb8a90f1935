// Tells one start of this computer from another.
#pragma once

#include <string>

namespace rdpmend::win32 {

// The same for all processes until the computer is started again. Empty: it cannot be told here, or not by this
// account. Where a shutdown only hibernates the kernel (fast startup) the next start is none: uptime goes on counting
// then, too.
std::string boot_id();

}  // namespace rdpmend::win32
