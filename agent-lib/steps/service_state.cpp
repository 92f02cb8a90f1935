#include "agent-lib/steps/service_state.hpp"

#include <fmt/format.h>

namespace rdpmend {

Result<v1::StepState> capture_service(const Services& services, const std::string& name, std::uint32_t step_number) {
  auto info = services.find(name);
  if (!info) return fail(std::move(info).error());
  if (!*info) {
    return fail(ErrorCode::not_found, fmt::format("service {} does not exist", name),
                "It belongs to Windows: check whether the Remote Desktop components are installed.");
  }
  v1::StepState state;
  state.set_step_number(step_number);
  auto& service = *state.mutable_service();
  service.set_running((*info)->run == ServiceRun::running);
  service.set_start_type((*info)->start_type);
  for (auto& dependent : (*info)->running_dependents) service.add_running_dependents(dependent);
  return state;
}

std::string_view to_string(v1::ServiceStartType type) {
  switch (type) {
    case v1::SERVICE_START_TYPE_AUTO: return "Automatic";
    case v1::SERVICE_START_TYPE_MANUAL: return "Manual";
    case v1::SERVICE_START_TYPE_DISABLED: return "Disabled";
    default: return "unknown";
  }
}

}  // namespace rdpmend
