#include "agent-lib/record/words.hpp"

#include <gtest/gtest.h>

namespace rdpmend {
namespace {

TEST(Words, AreTheNamesOfTheVocabulary) {
  EXPECT_EQ(to_string(v1::INCIDENT_STATE_AWAITING_APPROVAL), "awaiting approval");
  EXPECT_EQ(to_string(v1::StepRecord::PHASE_UNDO_BLOCKED), "undo blocked");
  EXPECT_EQ(to_string(v1::Verdict::RESULT_NOT_KNOWN_YET), "not known yet");
  EXPECT_EQ(to_string(v1::RepairEnded::OUTCOME_ROLLED_BACK), "rolled back");
}

TEST(Words, AValueOfANewerVersionIsSaidToBeUnknown) {
  EXPECT_EQ(to_string(static_cast<v1::IncidentState>(99)), "not known to this version of rdpmend");
}

TEST(Words, ClosedIsWhatNothingMoreHappensTo) {
  EXPECT_TRUE(is_closed(v1::INCIDENT_STATE_REPAIRED));
  EXPECT_TRUE(is_closed(v1::INCIDENT_STATE_DISMISSED));
  EXPECT_TRUE(is_closed(v1::INCIDENT_STATE_CLEARED));
  EXPECT_FALSE(is_closed(v1::INCIDENT_STATE_ESCALATED));
  EXPECT_FALSE(is_closed(v1::INCIDENT_STATE_ROLLED_BACK));
}

}  // namespace
}  // namespace rdpmend
