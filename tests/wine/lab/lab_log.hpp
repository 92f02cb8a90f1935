// The events of real hosts, in the layouts of the rehearsed host, into the laboratory's channels.
#pragma once

#include "agent-lib/sim/sim_events.hpp"

namespace rdpmend::lab {

// As of now and of this computer. A channel that is not there is nobody's loss.
void log_event(const sim::SimEvent& event);

}  // namespace rdpmend::lab
