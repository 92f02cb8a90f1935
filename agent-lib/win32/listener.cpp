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

// A listener may be bound to one adapter (RDP-Tcp's LanAdapter), and then answers at no other address.
std::optional<std::string> bound_address(std::uint16_t port) {
  const auto listener = find_listener(port);
  return listener && *listener ? (*listener)->bound_to : std::nullopt;
}

// Without a network, loopback is the only address that the host has.
std::string own_address() {
  return interface_address().value_or(std::string(k_loopback));
}

}  // namespace

Result<ListenerState> Win32Listener::state() const {
  const auto port = configured_port();
  if (!port) return fail(port.error());
  const auto listener = find_listener(*port);
  if (!listener) return fail(listener.error());
  ListenerState state{.listening = listener->has_value(), .port = *port, .owner_pid = {}, .own_address = {}};
  if (*listener && (*listener)->pid != 0) state.owner_pid = (*listener)->pid;
  const bool bound = *listener && (*listener)->bound_to;
  state.own_address = bound ? *(*listener)->bound_to : own_address();
  return state;
}

Result<v1::ProbeReport> Win32Listener::probe(ProbeFrom from, Duration deadline) const {
  const auto port = configured_port();
  if (!port) return fail(port.error());
  const std::scoped_lock one_at_a_time(probing_);
  auto address = bound_address(*port);
  if (!address) address = from == ProbeFrom::loopback ? std::string(k_loopback) : own_address();
  const ProbeTarget target{std::move(*address), *port};
  return probe_rdp(target, {.deadline = deadline});
}

}  // namespace rdpmend::win32
