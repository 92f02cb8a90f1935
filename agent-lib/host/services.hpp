// Windows services, by short name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

enum class ServiceRun { stopped, start_pending, stop_pending, running, other };

struct ServiceInfo {
  ServiceRun run = ServiceRun::stopped;
  v1::ServiceStartType start_type = v1::SERVICE_START_TYPE_UNSPECIFIED;
  std::uint32_t pid = 0;                        // 0: not running.
  std::optional<Duration> running_for;          // At least, as far as it was seen. Absent: not running or not known.
  std::vector<std::string> running_dependents;  // Short names, in the order in which they must be stopped.
};

class Services {
 public:
  virtual ~Services() = default;
  // nullopt: no such service.
  virtual Result<std::optional<ServiceInfo>> find(std::string_view name) const = 0;
  // Returns when the service is running or stopped. timeout: it is still pending; its process is never killed. Windows
  // may hold either call for 30 s beyond the deadline, while any other service is busy with a control code.
  virtual Status start(std::string_view name, Duration deadline) = 0;
  // Fails with conflict while dependents run.
  virtual Status stop(std::string_view name, Duration deadline) = 0;
  virtual Status set_start_type(std::string_view name, v1::ServiceStartType type) = 0;
};

namespace service_name {
inline constexpr std::string_view k_term_service = "TermService";
inline constexpr std::string_view k_session_env = "SessionEnv";
inline constexpr std::string_view k_event_log = "EventLog";
}  // namespace service_name

}  // namespace rdpmend
