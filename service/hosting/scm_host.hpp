// The service under the Service Control Manager. Windows only.
// https://learn.microsoft.com/windows/win32/services/writing-a-servicemain-function
#pragma once

#include <filesystem>
#include <functional>

#include "agent-lib/support/result.hpp"
#include "service/hosting/process_owner.hpp"

namespace rdpmend {

// Serves until Windows asks to end. `state` is the service's folder, `serve` what is served for the process's owner. An
// exit code; 1 and a hint if nobody but a console started it.
int serve_for_scm(const std::filesystem::path& state, const std::function<Status(ProcessOwner&)>& serve);

}  // namespace rdpmend
