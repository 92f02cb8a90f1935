// Checks on a real host what the adapters and faults assume about Windows, so that the first run on a new kind of host
// tells what to mend. Reads only. The verb `rdpmendd selftest` sees what its caller may see, the RPC SelfTest what the
// service sees.
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/host/host.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

// What was found out about one assumption.
using Check = v1::SelfTestResponse::Check;

// Everything that can be seen through the ports; also on a rehearsed host.
v1::SelfTestResponse check_host(const HostView& host);
// What only the operating system's own interfaces tell. Nothing where there is no Windows.
void check_operating_system(v1::SelfTestResponse& all);

// Both, where the host is this machine: beside a rehearsed one stands a Windows that is none of it.
v1::SelfTestResponse check_all(const HostView& host);

// "holds", "differs", "not here", "not checked".
std::string_view to_word(Check::Outcome outcome);
std::string to_table(const v1::SelfTestResponse& test);
std::string to_json(const v1::SelfTestResponse& test, const HostIdentity& identity);

}  // namespace rdpmend
