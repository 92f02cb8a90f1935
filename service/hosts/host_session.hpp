// A host for as long as the service runs on it: whoever implements this owns the ports. The rest of the service does
// not know which host it is.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "agent-lib/host/host.hpp"
#include "agent-lib/support/result.hpp"

namespace rdpmend {

class HostSession {
 public:
  virtual ~HostSession() = default;
  virtual HostControl control() = 0;
  // Calls `changed` soon after settings of the host changed, from a thread of its own, until it is called with nullptr:
  // when that returns, no call is running. A host that cannot tell is looked at on schedule alone.
  virtual Status set_on_change(const std::function<void()>& /*changed*/) { return {}; }
};

// The machine that this process runs on. kept_keys: where copies of key files are kept, in a folder that is private; it
// is made so itself. Empty: none can be kept. unsupported: this build has no ports for its operating system.
Result<std::unique_ptr<HostSession>> open_this_machine(const std::filesystem::path& kept_keys = {});

}  // namespace rdpmend
