// The command line that the Service Control Manager runs: what is written into it is read out of it again.
#ifdef _WIN32

#include "service/hosting/scm_command_line.hpp"

#include <gtest/gtest.h>

namespace rdpmend {
namespace {

constexpr wchar_t k_program[] = LR"(C:\Program Files\rdpmend\rdpmendd.exe)";

TEST(ServiceCommandLine, quotes_the_program_and_names_no_default_folder) {
  const auto line = service_command_line(k_program, std::nullopt);
  EXPECT_EQ(line, LR"("C:\Program Files\rdpmend\rdpmendd.exe" service)");
  EXPECT_EQ(state_in(line), std::nullopt);
}

TEST(ServiceCommandLine, finds_the_folder_that_was_written) {
  for (const auto* folder :
       {LR"(D:\rdpmend)", LR"(D:\with space\rdpmend)", LR"(D:\)", LR"(D:\double\\)", L"D:/slash"}) {
    const auto found = state_in(service_command_line(k_program, folder));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->native(), folder);
  }
}

}  // namespace
}  // namespace rdpmend

#endif
