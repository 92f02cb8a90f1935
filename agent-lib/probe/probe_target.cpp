// What people type for a Remote Desktop host: a name or address, with or without a port.
#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/support/address.hpp"

namespace rdpmend {

Result<ProbeTarget> parse_probe_target(std::string_view text) {
  return parse_host_port(text).map([](HostPort written) {
    ProbeTarget target;
    target.host = std::move(written.host);
    target.port = written.port.value_or(target.port);
    return target;
  });
}

}  // namespace rdpmend
