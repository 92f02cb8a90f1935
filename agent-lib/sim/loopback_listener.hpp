// The simulated host's RDP listener on real sockets: speaks X.224 and TLS with the certificate that its store holds, so
// that a probe, `openssl s_client` or an RDP client sees the certificate change.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/support/result.hpp"

namespace rdpmend::sim {

class LoopbackListener {
 public:
  // Listens on 127.0.0.1:PORT (the host's loopback), 127.0.0.3:PORT (the host's own address, which its firewall does
  // not filter either) and 127.0.0.2:PORT (what clients outside reach: behind the firewall). Port 0: any that is free
  // at all three. The host must outlive it.
  static Result<std::unique_ptr<LoopbackListener>> open(SimHost& host, std::uint16_t port);
  ~LoopbackListener();

  std::uint16_t port() const;
  std::string loopback_address() const;  // "127.0.0.1"
  std::string own_address() const;       // "127.0.0.3"
  std::string outside_address() const;   // "127.0.0.2"

 private:
  class Impl;
  explicit LoopbackListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rdpmend::sim
