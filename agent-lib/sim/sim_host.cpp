#include "agent-lib/sim/sim_host.hpp"

#include <string>

#include "agent-lib/sim/consequences.hpp"
#include "agent-lib/sim/sim_machine.hpp"
#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

using namespace std::chrono_literals;

constexpr WallTime k_virtual_start = std::chrono::sys_days{std::chrono::year{2026} / 3 / 2} + 8h;

void schedule_changes(World& world, const v1::Scenario& scenario) {
  for (const auto& change : scenario.changes()) {
    if (!change.has_after()) continue;
    world.later(from_proto(change.after()), [change](World& then) { apply_change(then, change); });
  }
}

World make_world(const v1::Scenario& scenario, const SimOptions& options) {
  World world;
  world.options = options;
  world.random.seed(options.seed);
  world.identity = {"RDS1", "rehearsal " + scenario.name(), "boot 1"};
  world.full_name = "rds1.rehearsal.test";
  world.base = options.real_time ? std::chrono::system_clock::now() : k_virtual_start;
  if (scenario.build() != 0) world.build = scenario.build();
  world.caches_certificate = scenario.termservice_caches_certificate();
  world.failed_creation_takes_key = scenario.failed_creation_takes_key();
  install_stock_state(world);
  for (const auto& change : scenario.changes()) {
    for (const auto& event : change.events()) world.log.add_channel(event.channel());
  }
  for (std::uint32_t i = 0; i < scenario.sessions(); ++i)
    world.sessions.push_back({.id = 2 + i, .remote = true, .active = true});
  follow_listener(world);
  schedule_renewal_passes(world, 12h);
  for (const auto& change : scenario.changes()) {
    if (!change.has_after()) apply_change(world, change);
  }
  settle_history(world);
  schedule_changes(world, scenario);
  return world;
}

}  // namespace

class SimHost::Impl {
 public:
  Impl(const v1::Scenario& scenario, const SimOptions& options)
      : machine(make_world(scenario, options)),
        identity(machine.look([](const World& world) { return world.identity; })) {}

  SimMachine machine;
  HostIdentity identity;
  ClockPort clock{machine};
  EventChannelsPort events{machine};
  RegistryPort registry{machine};
  CertificateStoresPort certificates{machine};
  KeyFilesPort key_files{machine};
  ServicesPort services{machine};
  FirewallPort firewall{machine};
  SessionsPort sessions{machine};
  ListenerPort listener{machine};
};

SimHost::SimHost(const v1::Scenario& scenario, SimOptions options) : impl_(std::make_unique<Impl>(scenario, options)) {}
SimHost::~SimHost() = default;

HostControl SimHost::control() {
  auto& host = *impl_;
  return {host.identity,  host.clock,    host.events,   host.registry, host.certificates,
          host.key_files, host.services, host.firewall, host.sessions, host.listener};
}

void SimHost::advance(Duration duration) {
  impl_->machine.advance(duration);
}

std::optional<SteadyTime> SimHost::next_happening() const {
  return impl_->machine.look([](const World& world) {
    return world.agenda.empty() ? std::nullopt : std::optional(world.up_before + world.agenda.begin()->first);
  });
}

void SimHost::restart() {
  impl_->machine.locked([](World& world) { world.up_before = -world.moment; });
  impl_->identity.boot_id += " and again";
}

void SimHost::change(const v1::SimChange& change) {
  impl_->machine.locked([&](World& world) { apply_change(world, change); });
}

bool SimHost::client_connects() {
  return impl_->machine.locked([](World& world) { return sim::client_connects(world); });
}

std::string SimHost::fingerprint() const {
  return impl_->machine.look([](const World& world) { return sim::fingerprint(world); });
}

std::uint64_t SimHost::certificate_passes() const {
  return impl_->machine.look([](const World& world) { return world.certificate_passes; });
}

FaultInjector& SimHost::injector() {
  return impl_->machine.injector();
}

SimHost::ListenerView SimHost::accept(Vantage from, std::string_view client_address, std::uint16_t client_port) {
  return impl_->machine.locked([&](World& world) {
    return answer(world, from, {std::string(client_address), client_port});
  });
}

bool SimHost::reachable(Vantage from) const {
  return impl_->machine.look([&](const World& world) { return sim::reachable(world, from); });
}

v1::ProbeReport SimHost::probe(Vantage from, Duration deadline) {
  return impl_->machine.locked([&](World& world) { return probe_in_memory(world, from, deadline); });
}

void SimHost::set_on_change(std::function<void()> changed) {
  impl_->machine.set_on_change(std::move(changed));
}

void SimHost::set_listener_address(std::string loopback, std::string own_address, std::uint16_t port) {
  impl_->machine.locked([&](World& world) { move_listener(world, port); });
  impl_->listener.set_address(std::move(loopback), std::move(own_address), port);
}

void SimHost::set_on_story(std::function<void(const std::string&)> on_story) {
  impl_->machine.set_on_story(std::move(on_story));
}

}  // namespace rdpmend::sim
