// The registry, names without regard to case.
#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

Result<std::optional<RegistryValue>> RegistryPort::value(std::string_view key, std::string_view name) const {
  return machine_.look([&](const World& world) -> std::optional<RegistryValue> {
    const auto* found = find_value(world, key, name);
    return found ? std::optional(*found) : std::nullopt;
  });
}

}  // namespace rdpmend::sim
