// Where there is no Windows, nothing but the ports tells anything.
#include "service/selftest/selftest.hpp"

namespace rdpmend {

void check_operating_system(v1::SelfTestResponse&) {}

}  // namespace rdpmend
