// When a rehearsal is over: told from the journal alone.
#include "service/healing_watch.hpp"

#include <gmock/gmock.h>

#include "agent-lib/sim/memory_journal.hpp"
#include "tests/service/journal_test_support.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;

class HealingWatchTest : public testing::Test {
 protected:
  std::uint64_t open(const std::string& fault, const std::string& subject) {
    auto entry = opening(fault);
    entry.set_subject(subject);
    auto& diagnosis = *entry.mutable_incident_opened()->mutable_diagnosis();
    diagnosis.set_subject(subject);
    diagnosis.set_repairable(true);
    EXPECT_TRUE(ok(append_one(journal, entry)));
    return journal.range().last_seq;
  }
  void change(const std::string& fault, std::uint64_t id, v1::IncidentState to) {
    v1::JournalEntry entry;
    entry.set_incident_id(id);
    entry.set_fault_id(fault);
    entry.mutable_incident_state_changed()->set_to(to);
    EXPECT_TRUE(ok(append_one(journal, entry)));
  }

  sim::MemoryJournal journal;
  std::string wrong;
  HealingWatch watch{journal, {"firewall_rule_disabled"}, [this] { return wrong; }};
};

TEST_F(HealingWatchTest, is_over_when_the_last_incident_of_the_fault_is_closed) {
  const auto tcp = open("firewall_rule_disabled", "TCP");
  const auto udp = open("firewall_rule_disabled", "UDP");
  change("firewall_rule_disabled", tcp, v1::INCIDENT_STATE_REPAIRED);
  EXPECT_FALSE(watch.look());
  change("firewall_rule_disabled", udp, v1::INCIDENT_STATE_CLEARED);
  const auto answer = watch.look();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->healed) << answer->why;
}

TEST_F(HealingWatchTest, other_faults_do_not_count) {
  const auto other = open("clock_wrong", "");
  change("clock_wrong", other, v1::INCIDENT_STATE_ESCALATED);
  EXPECT_FALSE(watch.look());
}

TEST_F(HealingWatchTest, what_needs_a_human_is_not_healed) {
  change("firewall_rule_disabled", open("firewall_rule_disabled", ""), v1::INCIDENT_STATE_ESCALATED);
  const auto answer = watch.look();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->healed);
}

TEST_F(HealingWatchTest, repaired_is_not_healed_unless_a_client_gets_through) {
  wrong = "the certificate has expired";
  change("firewall_rule_disabled", open("firewall_rule_disabled", ""), v1::INCIDENT_STATE_REPAIRED);
  const auto answer = watch.look();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->healed);
  EXPECT_THAT(answer->why, HasSubstr("the certificate has expired"));
}

}  // namespace
}  // namespace rdpmend
