// Compares text with tests/cli/golden/NAME.txt. RDPMEND_UPDATE_GOLDEN=1 writes the files anew: look at the difference.
#pragma once

#include <gtest/gtest.h>
#include "tests/paths.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace rdpmend::cli {

inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string file = test::source_dir() + "/tests/cli/golden/" + name + ".txt";
  if (std::getenv("RDPMEND_UPDATE_GOLDEN") != nullptr) {
    std::ofstream{file, std::ios::binary} << text;
    return;
  }
  std::ifstream stream{file, std::ios::binary};
  ASSERT_TRUE(stream.good()) << file << " is missing: run with RDPMEND_UPDATE_GOLDEN=1 and look at it";
  const std::string expected{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(text, expected) << "differs from " << file;
}

}  // namespace rdpmend::cli
