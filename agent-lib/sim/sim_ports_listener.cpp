// Listener and sessions: what TermService shows of itself.
#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

Result<std::vector<Session>> SessionsPort::list() const {
  return machine_.look([](const World& world) -> Result<std::vector<Session>> {
    const auto& service = *find_service(world, service_name::k_term_service);
    if (service.run == ServiceRun::running) return world.sessions;
    if (service.run == ServiceRun::stopped) {
      return fail({ErrorCode::unavailable, "cannot list the sessions: TermService is not running", "Start TermService.",
                   OsError{"win32", 1722}});
    }
    return fail(
        {ErrorCode::timeout, "cannot list the sessions: TermService does not answer", {}, OsError{"win32", 1460}});
  });
}

Result<ListenerState> ListenerPort::state() const {
  const auto where = address();
  return machine_.look([&](const World& world) {
    ListenerState state;
    state.listening = world.listening_on != 0;
    const auto configured = dword_value(world, registry_key::k_rdp_tcp, "PortNumber").value_or(3389);
    state.port = state.listening ? world.listening_on : static_cast<std::uint16_t>(configured);
    if (state.listening) state.owner_pid = find_service(world, service_name::k_term_service)->pid;
    state.own_address = where ? where->own : "127.0.0.3";
    return state;
  });
}

Result<v1::ProbeReport> ListenerPort::probe(ProbeFrom from, Duration deadline) const {
  const std::scoped_lock one_at_a_time(probing_);
  if (const auto where = address()) {
    const ProbeTarget target{from == ProbeFrom::loopback ? where->loopback : where->own, where->port};
    return probe_rdp(target, {.deadline = deadline});
  }
  auto report = machine_.locked([&](World& world) { return probe_in_memory(world, vantage_of(from), deadline); });
  if (report.outcome() == v1::PROBE_OUTCOME_CONNECT_TIMEOUT) machine_.wait_for(deadline, {});
  return report;
}

void ListenerPort::set_address(std::string loopback, std::string own, std::uint16_t port) {
  const std::scoped_lock lock(mutex_);
  address_ = Address{std::move(loopback), std::move(own), port};
}

std::optional<ListenerPort::Address> ListenerPort::address() const {
  const std::scoped_lock lock(mutex_);
  return address_;
}

}  // namespace rdpmend::sim
