// Services: start, stop and start types, with the delays and refusals of a real service control manager.
#include <fmt/format.h>

#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

// Somebody else changes the start type.
void switch_start_type(World& world, std::string_view name) {
  auto* service = find_service(world, name);
  if (!service) return;
  const bool is_auto = service->start_type == v1::SERVICE_START_TYPE_AUTO;
  set_start_type(world, *service, is_auto ? v1::SERVICE_START_TYPE_MANUAL : v1::SERVICE_START_TYPE_AUTO);
}

}  // namespace

Result<std::optional<ServiceInfo>> ServicesPort::find(std::string_view name) const {
  return machine_.look([&](const World& world) -> std::optional<ServiceInfo> {
    const auto* service = find_service(world, name);
    if (!service) return std::nullopt;
    ServiceInfo info{.run = service->run,
                     .start_type = service->start_type,
                     .pid = service->pid,
                     .running_for = {},
                     .running_dependents = running_dependents(world, name)};
    if (service->run == ServiceRun::running) info.running_for = world.moment - service->started_at;
    return info;
  });
}

Status ServicesPort::start(std::string_view name, Duration deadline) {
  const auto call = [&] {
    auto status = machine_.locked([&](World& world) { return start_service(world, name); });
    if (!status && status.error().code == ErrorCode::timeout) machine_.wait_for(deadline, {});
    return status;
  };
  return machine_.injector().run(fmt::format("services.start({})", name), call,
                                 [&] { machine_.locked([&](World& world) { switch_start_type(world, name); }); });
}

Status ServicesPort::stop(std::string_view name, Duration deadline) {
  const auto call = [&] {
    auto status = machine_.locked([&](World& world) { return stop_service(world, name); });
    if (!status && status.error().code == ErrorCode::timeout) machine_.wait_for(deadline, {});
    return status;
  };
  return machine_.injector().run(fmt::format("services.stop({})", name), call,
                                 [&] { machine_.locked([&](World& world) { switch_start_type(world, name); }); });
}

Status ServicesPort::set_start_type(std::string_view name, v1::ServiceStartType type) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      auto* service = find_service(world, name);
      if (!service) {
        return fail({ErrorCode::not_found, fmt::format("there is no service {}", name), {}, OsError{"win32", 1060}});
      }
      sim::set_start_type(world, *service, type);
      return {};
    });
  };
  return machine_.injector().run(fmt::format("services.set_start_type({}, {})", name, v1::ServiceStartType_Name(type)),
                                 call, [&] { machine_.locked([&](World& world) { switch_start_type(world, name); }); });
}

}  // namespace rdpmend::sim
