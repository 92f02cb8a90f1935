// Where there is no Windows, nothing of it can be asked.
#include "service/selftest/selftest.hpp"

namespace rdpmend {

std::vector<Finding> check_operating_system() {
  return {};
}

}  // namespace rdpmend
