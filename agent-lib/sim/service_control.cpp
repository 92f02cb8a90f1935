// The Service Control Manager: start and stop with dependencies, and the events that it logs.
// https://learn.microsoft.com/windows/win32/services/service-control-manager
#include <fmt/format.h>

#include "agent-lib/sim/consequences.hpp"

namespace rdpmend::sim {

namespace {

using namespace std::chrono_literals;

Error service_error(ErrorCode code, std::string what, std::string hint, std::int64_t win32) {
  return Error{code, std::move(what), std::move(hint), OsError{"win32", win32}};
}

Error no_such_service(std::string_view name) {
  return service_error(ErrorCode::not_found, fmt::format("there is no service {}", name), {}, 1060);
}

void log_state(World& world, const SimService& service) {
  const bool running = service.run == ServiceRun::running;
  world.log.append(events::service_entered_state(service.name, service.display_name, running), world.now(),
                   world.full_name);
}

void started(World& world, const SimService& service) {
  if (service.name == service_name::k_session_env) schedule_renewal_passes(world, 100ms);
  if (service.name == service_name::k_term_service) {
    load_credential(world);
    follow_listener(world);
  }
}

bool depends_on(const SimService& service, std::string_view name) {
  return std::ranges::any_of(service.depends_on, [&](const auto& needed) { return lower(needed) == lower(name); });
}

// The trigger of such a service fires when something on the host touches it: once, and then not again for a moment, so
// that whoever stops the service a second time finds it stopped (rdp-host.md section 5).
Status pull_trigger(World& world, SimService& service) {
  constexpr Duration k_moment = 1s;
  const bool just_now = service.triggered_at && world.moment - *service.triggered_at < k_moment;
  if (!service.returns_by_trigger || just_now) return {};
  service.triggered_at = world.moment;
  return start_service(world, service.name);
}

Status start_dependencies(World& world, const SimService& service) {
  for (const auto& dependency : service.depends_on) {
    if (auto status = start_service(world, dependency); !status) {
      return fail(
          std::move(status).error().context(fmt::format("cannot start {}, which {} needs", dependency, service.name)));
    }
  }
  return {};
}

}  // namespace

Status start_service(World& world, std::string_view name) {
  auto* service = find_service(world, name);
  if (!service) return fail(no_such_service(name));
  if (service->run == ServiceRun::running) return {};
  if (service->run != ServiceRun::stopped) {
    return fail(service_error(ErrorCode::unavailable, fmt::format("service {} is still stopping", service->name),
                              "Wait until it has stopped; if it never does, restart the computer.", 1061));
  }
  if (service->start_type == v1::SERVICE_START_TYPE_DISABLED) {
    return fail(service_error(ErrorCode::conflict, fmt::format("service {} is disabled", service->name),
                              "Set its start type to manual first.", 1058));
  }
  if (auto status = start_dependencies(world, *service); !status) return status;
  if (service->refuses_to_start) {
    world.log.append(events::service_start_failed(service->display_name, 1053), world.now(), world.full_name);
    return fail(service_error(ErrorCode::unavailable,
                              fmt::format("service {} did not respond to the start request in time", service->name),
                              "Look for its errors in the System event log.", 1053));
  }
  service->run = ServiceRun::running;
  service->pid = 4000 + static_cast<std::uint32_t>(world.random() % 1000) * 4;
  service->started_at = world.moment;
  ++service->instance;
  log_state(world, *service);
  started(world, *service);
  for (auto& [name_of_other, other] : world.services) {
    if (other.returns_by_trigger && depends_on(other, service->name)) (void)start_service(world, other.name);
  }
  return {};
}

Status stop_service(World& world, std::string_view name) {
  auto* service = find_service(world, name);
  if (!service) return fail(no_such_service(name));
  if (service->run == ServiceRun::stopped) return {};
  if (const auto dependents = running_dependents(world, name); !dependents.empty()) {
    return fail(service_error(
        ErrorCode::conflict,
        fmt::format("service {} cannot stop: {} depends on it and runs", service->name, dependents.front()),
        "Stop its dependents first.", 1051));
  }
  if (service->hangs_on_stop) {
    service->run = ServiceRun::stop_pending;
    return fail(service_error(ErrorCode::timeout, fmt::format("service {} does not stop", service->name),
                              "It is left alone; restart the computer if it never stops.", 1053));
  }
  service->run = ServiceRun::stopped;
  if (service->name == service_name::k_term_service) {
    disconnect_sessions(world);
    follow_listener(world);
  }
  if (service->name == service_name::k_event_log) world.log.kill_subscriptions();
  service->pid = 0;
  log_state(world, *service);
  return pull_trigger(world, *service);
}

std::vector<std::string> running_dependents(const World& world, std::string_view name) {
  std::vector<std::string> dependents;
  for (const auto& [key, service] : world.services) {
    if (service.run != ServiceRun::stopped && depends_on(service, name)) dependents.push_back(service.name);
  }
  return dependents;
}

void set_start_type(World& world, SimService& service, v1::ServiceStartType type) {
  if (service.start_type == type) return;
  world.log.append(events::service_start_type_changed(service.name, service.display_name, service.start_type, type),
                   world.now(), world.full_name);
  service.start_type = type;
}

}  // namespace rdpmend::sim
