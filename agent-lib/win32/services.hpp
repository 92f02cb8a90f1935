// Windows services through the Service Control Manager.
#pragma once

#include "agent-lib/host/services.hpp"

namespace rdpmend::win32 {

class Win32Services final : public Services {
 public:
  Result<std::optional<ServiceInfo>> find(std::string_view name) const override;
  Status start(std::string_view name, Duration deadline) override;
  Status stop(std::string_view name, Duration deadline) override;
  Status set_start_type(std::string_view name, v1::ServiceStartType type) override;
};

}  // namespace rdpmend::win32
