// The service under the Service Control Manager. Windows only.
// https://learn.microsoft.com/windows/win32/services/writing-a-servicemain-function
#pragma once

#include "service/serve.hpp"

namespace rdpmend {

// Serves until Windows asks to end. An exit code; 1 and a hint if nobody but a console started it.
int serve_for_scm(const ServeOptions& options);

}  // namespace rdpmend
