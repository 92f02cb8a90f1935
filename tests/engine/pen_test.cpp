#include "agent-lib/engine/pen.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace rdpmend {
namespace {

using testing::ElementsAre;

class PenTest : public testing::Test {
 protected:
  void take(std::uint64_t holder) {
    pen.take(holder, [this, holder] { writing.push_back(holder); });
  }
  Pen pen;
  std::vector<std::uint64_t> writing;
};

TEST_F(PenTest, OneHasItAndTheOthersGetItInTheirTurn) {
  for (const auto holder : {1, 2, 3}) take(holder);
  EXPECT_THAT(writing, ElementsAre(1));
  pen.give_back(1);
  EXPECT_THAT(writing, ElementsAre(1, 2));
  pen.give_back(2);
  EXPECT_THAT(writing, ElementsAre(1, 2, 3));
}

TEST_F(PenTest, WhoeverHasItGoesOnWithIt) {
  take(1);
  take(2);
  take(1);
  EXPECT_THAT(writing, ElementsAre(1, 1));
}

TEST_F(PenTest, WhoeverGivesUpWaitingDoesNotGetIt) {
  for (const auto holder : {1, 2, 3}) take(holder);
  pen.give_back(2);
  pen.give_back(1);
  EXPECT_THAT(writing, ElementsAre(1, 3));
}

TEST_F(PenTest, ClosedItStaysWithItsHolder) {
  take(1);
  take(2);
  pen.close();
  take(1);
  pen.give_back(1);
  take(3);
  EXPECT_THAT(writing, ElementsAre(1, 1));
}

}  // namespace
}  // namespace rdpmend
