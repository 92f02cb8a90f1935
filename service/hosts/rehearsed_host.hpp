// A simulated RDP host in real time, with its listener on real loopback sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent-lib/sim/loopback_listener.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "rdpmend/v1/scenario.pb.h"
#include "service/hosts/host_session.hpp"

namespace rdpmend {

class RehearsedHost : public HostSession {
 public:
  // Port 0: any that is free. `on_story` is called from the host's threads as the scenario goes on.
  static Result<std::unique_ptr<RehearsedHost>> open(const v1::Scenario& scenario, std::uint16_t rdp_port,
                                                     std::function<void(const std::string&)> on_story);

  HostControl control() override { return host_.control(); }
  std::string loopback_address() const;  // "127.0.0.1:PORT"
  std::string outside_address() const;   // "127.0.0.2:PORT"

 private:
  explicit RehearsedHost(const v1::Scenario& scenario);

  sim::SimHost host_;
  std::unique_ptr<sim::LoopbackListener> listener_;
};

}  // namespace rdpmend
