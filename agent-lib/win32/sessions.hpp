// Sessions through the Remote Desktop Services API, which hangs when TermService does.
#pragma once

#include "agent-lib/host/sessions.hpp"
#include "agent-lib/win32/bounded_call.hpp"

namespace rdpmend::win32 {

class Win32Sessions final : public Sessions {
 public:
  Result<std::vector<Session>> list() const override;

 private:
  BoundedCall<std::vector<Session>> call_;
};

}  // namespace rdpmend::win32
