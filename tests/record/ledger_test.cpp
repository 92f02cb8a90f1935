// The ledger: entries get their heads where they are recorded, and the book follows the journal.
#include "agent-lib/record/ledger.hpp"

#include <gmock/gmock.h>

#include "agent-lib/sim/memory_journal.hpp"

namespace rdpmend {
namespace {

class StoppedClock : public Clock {
 public:
  WallTime now() const override { return WallTime{std::chrono::seconds{1'800'000'000}}; }
  SteadyTime steady() const override { return {}; }
  Result<std::optional<TimeReference>> reference() const override { return std::nullopt; }
  bool wait_for(Duration, std::stop_token) const override { return true; }
};

class LedgerTest : public testing::Test {
 protected:
  std::uint64_t open(const std::string& fault, const std::string& subject) {
    v1::Diagnosis diagnosis;
    diagnosis.set_fault_id(fault);
    diagnosis.set_subject(subject);
    return ledger.open_incident(diagnosis, {}).value();
  }
  v1::JournalEntry newest() { return journal.read(journal.range().last_seq - 1, 1).value().front(); }

  StoppedClock clock;
  sim::MemoryJournal journal;
  Ledger ledger{journal, clock};
};

TEST_F(LedgerTest, EveryEntryAboutAnIncidentNamesItsFaultAndSubject) {
  const auto id = open("certificate_expired", "RDP-Tcp");
  EXPECT_EQ(newest().incident_id(), id);
  EXPECT_EQ(newest().fault_id(), "certificate_expired");
  EXPECT_EQ(newest().subject(), "RDP-Tcp");
  open("firewall_rule_disabled", "");
  ASSERT_TRUE(ledger.record(id, [](v1::JournalEntry& entry) { entry.mutable_plan_made(); }));
  EXPECT_EQ(newest().fault_id(), "certificate_expired");
  EXPECT_EQ(newest().subject(), "RDP-Tcp");
}

TEST_F(LedgerTest, AnEntryAboutNoIncidentHasTheHeadThatItWasGiven) {
  ASSERT_TRUE(ledger.record(0, [](v1::JournalEntry& entry) { entry.mutable_service_stopped(); }));
  EXPECT_EQ(newest().fault_id(), "");
  ASSERT_TRUE(ledger.record(0, [](v1::JournalEntry& entry) {
    entry.set_fault_id("clock_wrong");
    entry.mutable_look_failed()->set_reason("no answer");
  }));
  EXPECT_EQ(newest().fault_id(), "clock_wrong");
}

TEST_F(LedgerTest, StampsEntriesWithTheHostsTime) {
  ASSERT_TRUE(ledger.record(0, [](v1::JournalEntry& entry) { entry.mutable_service_stopped(); }));
  EXPECT_EQ(newest().time().seconds(), 1'800'000'000);
}

TEST_F(LedgerTest, WhatCannotBeWrittenIsNotInTheBook) {
  journal.fail_appends(Error{ErrorCode::exhausted, "the disk is full", {}, {}});
  v1::Diagnosis diagnosis;
  diagnosis.set_fault_id("clock_wrong");
  EXPECT_FALSE(ledger.open_incident(diagnosis, {}));
  EXPECT_EQ(ledger.read([](const IncidentBook& book) { return book.incidents().size(); }), 0U);
}

TEST_F(LedgerTest, PruningLeavesACheckpointFromWhichTheBookIsTheSame) {
  const auto id = open("certificate_expired", "RDP-Tcp");
  ASSERT_TRUE(ledger.record(id, [](v1::JournalEntry& entry) { entry.mutable_repair_started(); }));
  journal.want_pruning(true);
  ASSERT_TRUE(ledger.prune_if_due());
  EXPECT_GT(journal.range().first_seq, id);
  Ledger again(journal, clock);
  ASSERT_TRUE(again.replay());
  const auto checkpoint = [](const IncidentBook& book) { return book.checkpoint().SerializeAsString(); };
  EXPECT_EQ(again.read(checkpoint), ledger.read(checkpoint));
  EXPECT_EQ(again.read([&](const IncidentBook& book) { return book.repairs_since("certificate_expired", {}); }), 1U);
}

}  // namespace
}  // namespace rdpmend
