#include "service/hosting/console_owner.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "agent-lib/support/utf8.hpp"
#include "service/os/print.hpp"

namespace rdpmend {

void ConsoleOwner::running(const Running& service) {
  print_to(stdout, "rdpmendd listens on {}\n  try  rdpmend --profile {} status\n", service.rpc_address,
           to_utf8(service.admin_profile));
  std::fflush(stdout);
}

}  // namespace rdpmend
