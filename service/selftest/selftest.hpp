// Checks on a real host what the adapters and faults assume about Windows, so that the first run on a new kind of host
// tells what to mend. Reads only. The verb `rdpmendd selftest` sees what its caller may see, the RPC SelfTest what the
// service sees.
#pragma once

#include <string>
#include <vector>

#include "agent-lib/host/host.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

// What was found out about one assumption.
struct Finding {
  enum class Outcome {
    holds,
    differs,   // Something else was found, or it could not be read.
    not_here,  // This host has no such thing, and need not: an optional role, an absent event, an API of newer Windows.
    not_checked,  // Nobody here may read it. To an administrator that is as it should be; the service sees it.
  };
  std::string area;  // "registry"
  std::string what;  // The thing looked at.
  Outcome outcome = Outcome::holds;
  std::string expected;
  std::string found;
  std::string source;  // Who says so.
};

std::string_view to_string(Finding::Outcome outcome);

// Everything that can be seen through the ports; also on a rehearsed host.
std::vector<Finding> check_host(const HostView& host);
// What only the operating system's own interfaces tell. Empty where there is no Windows.
std::vector<Finding> check_operating_system();

// Both, where the host is this machine: beside a rehearsed one stands a Windows that is none of it.
std::vector<Finding> check_all(const HostView& host);

v1::SelfTestResponse to_message(const std::vector<Finding>& findings);
std::string to_table(const std::vector<Finding>& findings);
std::string to_json(const std::vector<Finding>& findings, const HostIdentity& identity);

struct SelftestOptions {
  std::string format = "table";  // or "json"
};
// An exit code; see exit_codes.hpp.
int selftest_this_machine(const SelftestOptions& options);

}  // namespace rdpmend
