// Linux and its like, where the service runs rehearsals.
#include <unistd.h>

#include <climits>

#include "service/os/platform.hpp"

namespace rdpmend {

std::filesystem::path default_state_folder() {
  return "/var/lib/rdpmend";
}

std::string machine_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

void end_process_now(int exit_code) {
  _exit(exit_code);
}

void prepare_terminal() {}

}  // namespace rdpmend
