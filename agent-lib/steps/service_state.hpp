// What the two service steps capture of a service.
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/host/services.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

Result<v1::StepState> capture_service(const Services& services, const std::string& name, std::uint32_t step_number);
std::string_view to_string(v1::ServiceStartType type);

}  // namespace rdpmend
