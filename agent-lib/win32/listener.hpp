// The RDP listener: who listens on its port, the address that stands for outside, and the handshake.
#pragma once

#include <mutex>

#include "agent-lib/host/listener.hpp"

namespace rdpmend::win32 {

class Win32Listener final : public Listener {
 public:
  Result<ListenerState> state() const override;
  Result<v1::ProbeReport> probe(ProbeFrom from, Duration deadline) const override;

 private:
  mutable std::mutex probing_;
};

}  // namespace rdpmend::win32
