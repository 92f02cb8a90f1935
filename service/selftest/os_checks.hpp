// The parts of the selftest that ask Windows itself, beside the ports. Windows only.
#pragma once

#include "service/selftest/checks.hpp"

namespace rdpmend {

void check_event_logs(v1::SelfTestResponse& all);            // Channels as configured, providers and the ids they know.
void check_service_settings(v1::SelfTestResponse& all);      // Accounts, SID types, recovery, TermService's DLL.
void check_access_lists(v1::SelfTestResponse& all);          // Folders that the certificate manager writes to.
void check_remote_desktop_calls(v1::SelfTestResponse& all);  // What WTS shows, and SessionEnv's event.
void check_process(v1::SelfTestResponse& all);               // Who we are, and what we may do.

}  // namespace rdpmend
