// From the rules to what the operating system is asked for: one coarse query per channel, at most 20 expressions per
// Select.
#pragma once

#include <vector>

#include "agent-lib/host/event_channels.hpp"
#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

// Beyond it the event log wants a structured query:
// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtsubscribe
inline constexpr std::size_t k_max_select_expressions = 20;

// Channels in alphabetical order, compared without case. Coarse: field predicates are the rules' own.
std::vector<ChannelQuery> build_queries(const std::vector<v1::Rule>& rules);

}  // namespace rdpmend
