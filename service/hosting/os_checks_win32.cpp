// All of them, in the order in which they are shown.
#include "service/hosting/os_checks.hpp"

namespace rdpmend {

std::vector<Finding> check_operating_system() {
  std::vector<Finding> all;
  check_process(all);
  check_event_logs(all);
  check_service_settings(all);
  check_access_lists(all);
  check_remote_desktop_calls(all);
  return all;
}

}  // namespace rdpmend
