#include "service/hosting/console_owner.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "agent-lib/support/utf8.hpp"
#include "service/print.hpp"

namespace rdpmend {

void ConsoleOwner::running(const App& app) {
  print_to(stdout, "rdpmendd listens on {}\n  try  rdpmend --profile {} status\n", app.rpc_address(),
           to_utf8(app.admin_profile()));
  std::fflush(stdout);
}

}  // namespace rdpmend
