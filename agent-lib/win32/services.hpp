// Windows services through the Service Control Manager.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "agent-lib/host/services.hpp"

namespace rdpmend::win32 {

class Win32Services final : public Services {
 public:
  Result<std::optional<ServiceInfo>> find(std::string_view name) const override;
  Status start(std::string_view name, Duration deadline) override;
  Status stop(std::string_view name, Duration deadline) override;
  Status set_start_type(std::string_view name, v1::ServiceStartType type) override;

 private:
  struct Seen {
    std::uint32_t pid = 0;
    SteadyTime since{};
  };
  std::optional<Duration> running_for(std::string_view name, const ServiceInfo& info) const;
  void forget(std::string_view name) const;

  mutable std::mutex mutex_;
  mutable std::map<std::string, Seen, std::less<>> seen_;  // Running, when last asked for.
};

}  // namespace rdpmend::win32
