// How Windows is to treat the service: recovery, rights, shutdown. README.md argues each of them. Windows only.
#pragma once

#include <string>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/os.hpp"

namespace rdpmend {

// As CreateService wants them: each ends with a NUL, all of them with another. RPC carries the firewall's and the
// certificate manager's interfaces, EventLog is what we read. Both run on every Windows.
inline constexpr wchar_t k_dependencies[] = L"RpcSs\0EventLog\0";

// What this Windows does not know becomes a warning.
Status apply_settings(SC_HANDLE service, std::vector<std::string>& warnings);

}  // namespace rdpmend
