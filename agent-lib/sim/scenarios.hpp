// The scenarios that are compiled in: faults/*/scenario.textproto and sim/scenarios/*.textproto.
#pragma once

#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/scenario.pb.h"

namespace rdpmend::sim {

const std::vector<v1::Scenario>& scenarios();
// not_found: the hint lists the names.
Result<v1::Scenario> find_scenario(std::string_view name);

}  // namespace rdpmend::sim
