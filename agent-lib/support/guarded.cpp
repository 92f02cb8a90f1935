#include "agent-lib/support/guarded.hpp"

namespace rdpmend {

Error error_of(const std::exception& thrown) {
  if (const auto* unreadable = dynamic_cast<const Unreadable*>(&thrown)) return unreadable->error();
  return {ErrorCode::internal, thrown.what(), "This is a defect of rdpmend: report it.", {}};
}

}  // namespace rdpmend
