// The parts of the selftest that ask Windows itself, beside the ports. Windows only.
#pragma once

#include "service/selftest/findings.hpp"

namespace rdpmend {

void check_event_logs(std::vector<Finding>& all);            // Channels as configured, providers and the ids they know.
void check_service_settings(std::vector<Finding>& all);      // Accounts, SID types, recovery, TermService's DLL.
void check_access_lists(std::vector<Finding>& all);          // Folders that the certificate manager writes to.
void check_remote_desktop_calls(std::vector<Finding>& all);  // What WTS shows, and SessionEnv's event.
void check_process(std::vector<Finding>& all);               // Who we are, and what we may do.

}  // namespace rdpmend
