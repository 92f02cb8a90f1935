// All of them, in the order in which they are shown.
#include "service/selftest/os_checks.hpp"

namespace rdpmend {

void check_operating_system(v1::SelfTestResponse& all) {
  check_process(all);
  check_event_logs(all);
  check_service_settings(all);
  check_access_lists(all);
  check_remote_desktop_calls(all);
}

}  // namespace rdpmend
