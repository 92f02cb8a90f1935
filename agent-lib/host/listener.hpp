// The RDP listener as the host sees it, and as a client would.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

struct ListenerState {
  bool listening = false;  // A socket listens on the port.
  std::uint16_t port = 3389;
  std::optional<std::uint32_t> owner_pid;
  std::string own_address;  // An address by which clients reach it: the one it is bound to, else a real interface's.
};

// Both are the host's own: what it sends to itself, whatever the address, is loopback to its firewall, which filters
// neither (measured.md F8). What a client sees only a client can tell.
enum class ProbeFrom { loopback, own_address };

class Listener {
 public:
  virtual ~Listener() = default;
  virtual Result<ListenerState> state() const = 0;
  // One handshake (TCP, X.224, TLS), never two at a time. A probe that fails is a report, not an error. A listener that
  // is bound to one address is probed there either way.
  virtual Result<v1::ProbeReport> probe(ProbeFrom from, Duration deadline) const = 0;
};

}  // namespace rdpmend
