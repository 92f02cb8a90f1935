// Where the operating system has no RDP host that we know how to mend. Other systems bring their own
// this_machine_*.cpp.
#include "service/hosts/host_session.hpp"

namespace rdpmend {

Result<std::unique_ptr<HostSession>> open_this_machine(const std::filesystem::path&) {
  return fail(
      ErrorCode::unsupported, "this build of rdpmendd has no Windows host to work on",
      "On Windows, use the Windows build. Here, 'rdpmendd rehearse NAME' runs the same service on a rehearsed host.");
}

}  // namespace rdpmend
