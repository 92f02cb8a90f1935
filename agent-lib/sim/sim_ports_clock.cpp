// The clocks of the simulated host, and what its time source says.
#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

WallTime ClockPort::now() const {
  return machine_.look([](const World& world) { return world.now(); });
}

SteadyTime ClockPort::steady() const {
  return machine_.look([](const World& world) { return world.up_before + world.moment; });
}

Result<std::optional<TimeReference>> ClockPort::reference() const {
  return machine_.look([](const World& world) -> std::optional<TimeReference> {
    if (!world.has_reference) return std::nullopt;
    return TimeReference{"dc1.rehearsal.test", world.clock_offset};
  });
}

bool ClockPort::wait_for(Duration duration, std::stop_token stop) const {
  return machine_.wait_for(duration, stop);
}

}  // namespace rdpmend::sim
