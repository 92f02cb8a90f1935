#include "agent-lib/support/bounded.hpp"

#include <gmock/gmock.h>

namespace rdpmend {
namespace {

using testing::ElementsAre;

TEST(KeepFirst, LeavesAListThatFits) {
  std::vector<std::string> lines{"a", "b"};
  keep_first(lines, 2, 10);
  EXPECT_THAT(lines, ElementsAre("a", "b"));
}

TEST(KeepFirst, CutsListAndLinesAndSaysHowManyMore) {
  std::vector<std::string> lines{"abcdefgh", "b", "c", "d"};
  keep_first(lines, 2, 5);
  EXPECT_THAT(lines, ElementsAre("ab...", "b", "and 2 more"));
}

}  // namespace
}  // namespace rdpmend
