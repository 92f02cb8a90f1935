#include "agent-lib/win32/listener.hpp"

#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/win32/network.hpp"
#include "agent-lib/win32/registry.hpp"

namespace rdpmend::win32 {

namespace {

constexpr std::uint32_t k_default_port = 3389;
constexpr std::string_view k_loopback = "127.0.0.1";

Result<std::uint16_t> configured_port() {
  const auto port = read_dword(Win32Registry{}, registry_key::k_rdp_tcp, "PortNumber");
  if (!port) return fail(port.error());
  return static_cast<std::uint16_t>(port->value_or(k_default_port));
}

// Without a network there is no outside: what is left is this host itself, and the firewall does not filter that.
std::string outside_address() {
  return interface_address().value_or(std::string(k_loopback));
}

}  // namespace

Result<ListenerState> Win32Listener::state() const {
  const auto port = configured_port();
  if (!port) return fail(port.error());
  const auto owner = find_listener(*port);
  if (!owner) return fail(owner.error());
  ListenerState state{
      .listening = owner->has_value(), .port = *port, .owner_pid = *owner, .outside_address = outside_address()};
  if (state.owner_pid == 0U) state.owner_pid.reset();
  return state;
}

Result<v1::ProbeReport> Win32Listener::probe(ProbeFrom from, Duration deadline) const {
  const auto port = configured_port();
  if (!port) return fail(port.error());
  const std::scoped_lock one_at_a_time(probing_);
  const ProbeTarget target{from == ProbeFrom::loopback ? std::string(k_loopback) : outside_address(), *port};
  return probe_rdp(target, {.deadline = deadline});
}

}  // namespace rdpmend::win32
