// From the rules to what the operating system is asked for: one coarse query per channel, at most 20 expressions per Select.
#pragma once

#include <vector>

#include "agent-lib/host/event_channels.hpp"
#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

std::vector<ChannelQuery> build_queries(const std::vector<v1::Rule>& rules);

}  // namespace rdpmend
