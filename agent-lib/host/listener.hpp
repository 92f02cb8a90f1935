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
  std::string outside_address;  // Stands for "from outside in": the one it is bound to, else a real interface's.
};

enum class ProbeFrom { loopback, outside };

class Listener {
 public:
  virtual ~Listener() = default;
  virtual Result<ListenerState> state() const = 0;
  // One handshake (TCP, X.224, TLS), never two at a time. A probe that fails is a report, not an error. A listener that
  // is bound to one address is probed there either way.
  virtual Result<v1::ProbeReport> probe(ProbeFrom from, Duration deadline) const = 0;
};

}  // namespace rdpmend
