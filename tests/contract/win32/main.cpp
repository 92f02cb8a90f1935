// The tests, or, for the SCM, one of the services that they start and stop.
#include <gmock/gmock.h>

#include <string_view>

#include "tests/contract/win32/test_service.hpp"

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--service") return rdpmend::contract::run_as_service();
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
