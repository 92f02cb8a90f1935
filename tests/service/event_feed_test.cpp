// The event feed tells each entry at least once and in order, also over restarts.
#include "service/event_log/event_feed.hpp"

#include <gmock/gmock.h>

#include <future>

#include "agent-lib/sim/memory_journal.hpp"
#include "tests/service/journal_test_support.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Ends the feed, so that all that is there has been told.
class EventFeedTest : public testing::Test {
 protected:
  std::vector<std::string> tell_all() {
    std::vector<std::string> told;
    {
      EventFeed feed(journal, folder / "cursor", [&](const EventMessage& message) -> Status {
        told.push_back(std::to_string(message.kind->id) + " " + message.inserts[0]);
        return {};
      });
    }
    return told;
  }
  void append(v1::JournalEntry entry) { ASSERT_TRUE(ok(append_one(journal, std::move(entry)))); }
  void append_start(const std::string& version) {
    v1::JournalEntry entry;
    entry.mutable_service_started()->set_version(version);
    append(std::move(entry));
  }

  TempFolder folder;
  sim::MemoryJournal journal;
};

TEST_F(EventFeedTest, tells_what_is_there_in_order) {
  append_start("1");
  append(opening("certificate_expired"));
  EXPECT_THAT(tell_all(), ElementsAre("100 1", "200 certificate_expired"));
}

TEST_F(EventFeedTest, goes_on_where_it_was_after_a_restart) {
  append_start("1");
  EXPECT_THAT(tell_all(), ElementsAre("100 1"));
  append_start("2");
  EXPECT_THAT(tell_all(), ElementsAre("100 2"));
  EXPECT_THAT(tell_all(), IsEmpty());
}

TEST_F(EventFeedTest, names_the_fault_of_the_incident_that_an_entry_is_about) {
  append(opening("firewall_rule_disabled"));
  v1::JournalEntry ended;
  ended.set_incident_id(1);
  ended.set_fault_id("firewall_rule_disabled");
  ended.mutable_repair_ended()->set_outcome(v1::RepairEnded::OUTCOME_REPAIRED);
  append(ended);
  EXPECT_THAT(tell_all(), ElementsAre("200 firewall_rule_disabled", "203 firewall_rule_disabled"));
}

TEST_F(EventFeedTest, begins_with_the_newest_entries_if_it_never_ran) {
  for (std::uint64_t i = 1; i <= k_newest_entries + 50; ++i) append_start(std::to_string(i));
  const auto told = tell_all();
  ASSERT_EQ(told.size(), k_newest_entries);
  EXPECT_EQ(told.front(), "100 51");
}

TEST_F(EventFeedTest, begins_anew_if_the_journal_was_set_aside) {
  write_bytes(folder / "cursor", "5000");
  append_start("1");
  EXPECT_THAT(tell_all(), ElementsAre("100 1"));
}

TEST_F(EventFeedTest, survives_a_damaged_cursor) {
  write_bytes(folder / "cursor", "12x");
  append_start("1");
  EXPECT_THAT(tell_all(), ElementsAre("100 1"));
}

TEST_F(EventFeedTest, tells_at_once_when_the_journal_grows) {
  std::promise<std::string> told;
  EventFeed feed(journal, folder / "cursor", [&](const EventMessage& message) -> Status {
    told.set_value(message.inserts[0]);
    return {};
  });
  append_start("1");
  feed.grew();
  auto answer = told.get_future();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds{10}), std::future_status::ready);
  EXPECT_EQ(answer.get(), "1");
}

TEST_F(EventFeedTest, tells_later_what_the_event_log_refused_and_nothing_twice) {
  append_start("1");
  append_start("2");
  append_start("3");
  {
    EventFeed feed(journal, folder / "cursor", [&](const EventMessage& message) -> Status {
      if (message.inserts[0] == "1") return {};
      return fail(ErrorCode::unavailable, "the log is full");
    });
  }
  EXPECT_THAT(tell_all(), ElementsAre("100 2", "100 3"));
}

TEST_F(EventFeedTest, tells_at_once_what_the_journal_cannot_tell_and_again_if_it_was_refused) {
  append_start("1");
  std::promise<void> told;
  int tries = 0;
  EventFeed feed(journal, folder / "cursor", [&](const EventMessage& message) -> Status {
    if (message.inserts[0] != "journal") return {};
    EXPECT_EQ(message.kind->id, 107);
    EXPECT_THAT(message.inserts[1], HasSubstr("the disk is full"));
    if (++tries == 1) return fail(ErrorCode::unavailable, "the log is full");
    told.set_value();
    return {};
  });
  feed.tell_now(journal_trouble("the disk is full"));
  auto done = told.get_future();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (done.wait_for(std::chrono::milliseconds{10}) != std::future_status::ready &&
         std::chrono::steady_clock::now() < deadline)
    feed.grew();
  EXPECT_EQ(done.wait_for(std::chrono::seconds{0}), std::future_status::ready);
}

TEST_F(EventFeedTest, tries_again_what_was_refused_when_the_journal_grows) {
  append_start("1");
  std::promise<void> refused;
  std::promise<void> told;
  int tries = 0;
  EventFeed feed(journal, folder / "cursor", [&](const EventMessage&) -> Status {
    if (++tries == 1) {
      refused.set_value();
      return fail(ErrorCode::unavailable, "the log is full");
    }
    if (tries == 3) told.set_value();
    return {};
  });
  ASSERT_EQ(refused.get_future().wait_for(std::chrono::seconds{10}), std::future_status::ready);
  append_start("2");
  feed.grew();
  EXPECT_EQ(told.get_future().wait_for(std::chrono::seconds{10}), std::future_status::ready);
}

}  // namespace
}  // namespace rdpmend
