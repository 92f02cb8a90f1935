// The registry, names without regard to case. A key exists if it has a value, a key below it, or an access list.
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/sim/consequences.hpp"
#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

bool key_exists(const World& world, std::string_view key) {
  const auto wanted = lower(key);
  const auto is_or_holds = [&](const std::string& other) {
    return other == wanted || other.starts_with(wanted + "\\");
  };
  return std::ranges::any_of(world.registry, [&](const auto& entry) { return is_or_holds(entry.first.first); }) ||
         std::ranges::any_of(world.key_security, [&](const auto& entry) { return is_or_holds(entry.first); });
}

// Something else than what is there and than what is about to be written.
RegistryValue edited(const std::optional<RegistryValue>& now, const std::optional<RegistryValue>& wanted) {
  for (const std::uint32_t number : {7U, 8U}) {
    const RegistryValue other = number;
    if (now != other && wanted != other) return other;
  }
  return std::uint32_t{9};
}

}  // namespace

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

Status RegistryPort::set(std::string_view key, std::string_view name, const RegistryValue& value) {
  return change("set", key, name, value);
}

Status RegistryPort::erase(std::string_view key, std::string_view name) {
  return change("erase", key, name, std::nullopt);
}

Status RegistryPort::change(std::string_view doing, std::string_view key, std::string_view name,
                            std::optional<RegistryValue> value) {
  const auto write = [&](World& world, const std::optional<RegistryValue>& what) {
    what ? set_value(world, key, name, *what) : erase_value(world, key, name);
    follow_listener(world);
  };
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      if (!key_exists(world, key)) {
        return fail({ErrorCode::not_found, fmt::format("there is no key HKLM\\{}", key), {}, OsError{"win32", 2}});
      }
      write(world, value);
      return {};
    });
  };
  // Somebody else writes another number just before: what is written then hides it, as on a real host.
  const auto outside_edit = [&] {
    machine_.locked([&](World& world) {
      const auto* found = find_value(world, key, name);
      write(world, edited(found ? std::optional(*found) : std::nullopt, value));
    });
  };
  return machine_.injector().run(fmt::format("registry.{}({})", doing, name), call, outside_edit);
}

}  // namespace rdpmend::sim
