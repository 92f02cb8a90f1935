// Tells when something below certain registry keys changes, so that a sweep need not wait for its turn. What changed is
// not said: whoever is told reads the host again.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

class RegistryWatch {
 public:
  // Keys below HKEY_LOCAL_MACHINE with all that is below them; one that does not exist is watched for. `changed` is
  // called on the watch's own thread, once per burst of changes, and must return soon. exhausted: too many keys.
  static Result<std::unique_ptr<RegistryWatch>> open(const std::vector<std::string>& keys,
                                                     std::function<void()> changed);
  // No call of `changed` is running when it returns.
  ~RegistryWatch();
  RegistryWatch(const RegistryWatch&) = delete;
  RegistryWatch& operator=(const RegistryWatch&) = delete;

 private:
  struct Watched {
    std::string key;
    UniqueKernel changed;  // Auto-reset.
    UniqueKey opened;      // The key, or its nearest parent that exists.
  };

  RegistryWatch(std::vector<Watched> watched, UniqueKernel stopping, std::function<void()> changed);
  static Status arm(Watched& watched);
  void run(const std::stop_token& stop);
  void tell() const;

  std::vector<Watched> watched_;
  UniqueKernel stopping_;
  std::function<void()> changed_;
  std::jthread thread_;  // Last: it uses the others.
};

}  // namespace rdpmend::win32
