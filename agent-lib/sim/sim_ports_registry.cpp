// The registry, names without regard to case.
#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

Result<std::optional<RegistryValue>> RegistryPort::value(std::string_view key, std::string_view name) const {
  return machine_.look([&](const World& world) -> std::optional<RegistryValue> {
    const auto* found = find_value(world, key, name);
    return found ? std::optional(*found) : std::nullopt;
  });
}

Result<std::optional<v1::FileSecurity>> RegistryPort::security(std::string_view key) const {
  return machine_.look([&](const World& world) -> std::optional<v1::FileSecurity> {
    const auto found = world.key_security.find(lower(key));
    return found == world.key_security.end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace rdpmend::sim
