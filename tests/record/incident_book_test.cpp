#include "agent-lib/record/incident_book.hpp"

#include <gtest/gtest.h>

namespace rdpmend {
namespace {

class BookTest : public testing::Test {
 protected:
  v1::JournalEntry entry(std::uint64_t incident_id = 0) {
    v1::JournalEntry result;
    result.set_seq(++seq_);
    result.set_incident_id(incident_id);
    result.mutable_time()->set_seconds(static_cast<std::int64_t>(1'700'000'000 + seq_));
    return result;
  }
  std::uint64_t open(const std::string& fault) {
    auto opened = entry();
    opened.set_incident_id(opened.seq());
    opened.mutable_incident_opened()->mutable_diagnosis()->set_fault_id(fault);
    book_.apply(opened);
    return opened.seq();
  }
  void change(std::uint64_t id, v1::IncidentState to) {
    auto changed = entry(id);
    changed.mutable_incident_state_changed()->set_to(to);
    book_.apply(changed);
  }

  IncidentBook book_;
  std::uint64_t seq_ = 0;
};

TEST_F(BookTest, NamesAnIncidentAfterTheEntryThatOpenedIt) {
  const auto id = open("a");
  ASSERT_NE(book_.find(id), nullptr);
  EXPECT_EQ(book_.find(id)->state(), v1::INCIDENT_STATE_OPEN);
  EXPECT_EQ(book_.find_open("a", ""), book_.find(id));
  EXPECT_EQ(book_.find_open("b", ""), nullptr);
}

TEST_F(BookTest, ClosesAndReopens) {
  const auto id = open("a");
  change(id, v1::INCIDENT_STATE_REPAIRED);
  EXPECT_TRUE(book_.find(id)->has_closed());
  EXPECT_EQ(book_.find_open("a", ""), nullptr);
  change(id, v1::INCIDENT_STATE_ESCALATED);
  EXPECT_FALSE(book_.find(id)->has_closed());
}

TEST_F(BookTest, ForgetsTheOldestClosedIncidentsOnly) {
  const auto still_open = open("open");
  for (std::size_t i = 0; i < IncidentBook::k_max_closed + 10; ++i) change(open("a"), v1::INCIDENT_STATE_CLEARED);
  EXPECT_EQ(book_.incidents().size(), IncidentBook::k_max_closed + 1);
  EXPECT_NE(book_.find(still_open), nullptr);
}

TEST_F(BookTest, AStepThatFailedBeforeItsWriteIsKeptAsNotWritten) {
  const std::pair<v1::StepFailed::Cause, v1::StepRecord::Phase> causes[] = {
      {v1::StepFailed::CAUSE_UNREADABLE, v1::StepRecord::PHASE_CAPTURED},
      {v1::StepFailed::CAUSE_CONFLICT, v1::StepRecord::PHASE_CAPTURED},
      {v1::StepFailed::CAUSE_WRITE, v1::StepRecord::PHASE_INTENDED}};
  for (const auto& [cause, phase] : causes) {
    const auto id = open("a");
    auto intended = entry(id);
    intended.mutable_step_intended()->set_step_number(1);
    book_.apply(intended);
    EXPECT_EQ(book_.find(id)->repair().steps(0).phase(), v1::StepRecord::PHASE_INTENDED);
    auto failed = entry(id);
    failed.mutable_step_failed()->set_step_number(1);
    failed.mutable_step_failed()->set_cause(cause);
    book_.apply(failed);
    EXPECT_EQ(book_.find(id)->repair().steps(0).phase(), phase) << v1::StepFailed::Cause_Name(cause);
  }
}

TEST_F(BookTest, CountsFailuresInARowAndForgetsThemOnSuccess) {
  const auto id = open("a");
  for (const auto outcome : {v1::RepairEnded::OUTCOME_ROLLED_BACK, v1::RepairEnded::OUTCOME_ROLLBACK_BLOCKED}) {
    auto ended = entry(id);
    ended.mutable_repair_ended()->set_outcome(outcome);
    book_.apply(ended);
  }
  EXPECT_EQ(book_.failures_in_a_row(), 2u);
  auto ended = entry(id);
  ended.mutable_repair_ended()->set_outcome(v1::RepairEnded::OUTCOME_REPAIRED);
  book_.apply(ended);
  EXPECT_EQ(book_.failures_in_a_row(), 0u);
}

TEST_F(BookTest, IsTheSameAfterACheckpoint) {
  const auto id = open("a");
  auto started = entry(id);
  started.mutable_repair_started()->set_attempt(1);
  book_.apply(started);
  auto action = entry(id);
  action.mutable_admin_action()->set_request_id("r");
  book_.apply(action);
  change(open("b"), v1::INCIDENT_STATE_CLEARED);
  auto healthy = entry();
  auto& baseline = *healthy.mutable_baseline_taken()->mutable_baseline();
  baseline.mutable_seen()->set_seconds(7);
  baseline.add_enabled_firewall_rules("r");
  book_.apply(healthy);

  auto checkpoint = entry();
  *checkpoint.mutable_checkpoint() = book_.checkpoint();
  IncidentBook again;
  again.apply(checkpoint);
  EXPECT_EQ(again.checkpoint().SerializeAsString(), book_.checkpoint().SerializeAsString());
  EXPECT_TRUE(again.knows_request("r"));
  EXPECT_EQ(again.baseline().SerializeAsString(), baseline.SerializeAsString());
  EXPECT_EQ(again.repairs_since("a", WallTime{}), 1u);
}

TEST_F(BookTest, IgnoresWhatIsSaidAboutAnUnknownIncident) {
  change(4711, v1::INCIDENT_STATE_REPAIRED);
  EXPECT_TRUE(book_.incidents().empty());
}

}  // namespace
}  // namespace rdpmend
