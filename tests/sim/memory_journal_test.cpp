// The journal in memory.
#include "agent-lib/sim/memory_journal.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "agent-lib/record/journal_chain.hpp"
#include "agent-lib/sim/fault_injector.hpp"

namespace rdpmend::sim {
namespace {

std::vector<v1::JournalEntry> some_entries(int count, std::uint64_t incident_id = 0) {
  std::vector<v1::JournalEntry> entries(static_cast<std::size_t>(count));
  for (auto& entry : entries) {
    entry.set_incident_id(incident_id);
    entry.mutable_internal_error()->Clear();
  }
  return entries;
}

std::vector<v1::JournalEntry> all_of(const Journal& journal) {
  return journal.read(0, 1'000'000).value();
}

TEST(MemoryJournal, NumbersAndChainsWhatIsAppended) {
  MemoryJournal journal;
  auto first = some_entries(2), second = some_entries(1);
  ASSERT_TRUE(journal.append(first, Bookmark{"System", "mark"}));
  ASSERT_TRUE(journal.append(second, std::nullopt));
  EXPECT_EQ(second[0].seq(), 3U) << "the caller's entries are completed";
  ChainLink last;
  const auto all = journal.read_stored(0, 10, 0).value();
  for (const auto& entry : all) EXPECT_EQ(check_link(entry, last), "");
  EXPECT_EQ(last.seq, 3U);
  EXPECT_EQ(journal.bookmarks()->at("System"), "mark");
  EXPECT_EQ(journal.range().first_seq, 1U);
  EXPECT_EQ(journal.range().last_seq, 3U);
  EXPECT_GT(journal.range().bytes, 0U);
}

TEST(MemoryJournal, ReadsPagesAndOneIncident) {
  MemoryJournal journal;
  std::vector<v1::JournalEntry> opening(1);
  opening[0].mutable_incident_opened();
  ASSERT_TRUE(journal.append(opening, std::nullopt));
  auto noise = some_entries(3), about = some_entries(2, 1);
  ASSERT_TRUE(journal.append(noise, std::nullopt));
  ASSERT_TRUE(journal.append(about, std::nullopt));
  EXPECT_EQ(journal.read(2, 3, 0).value().front().seq(), 3U);
  EXPECT_EQ(journal.read(2, 3, 0).value().size(), 3U);
  const auto incident = journal.read(0, 100, 1).value();
  ASSERT_EQ(incident.size(), 3U) << "its opening and two more";
  EXPECT_EQ(incident[0].seq(), 1U);
  EXPECT_TRUE(journal.read(6, 100, 0).value().empty());
}

TEST(MemoryJournal, AppendsNothingWhileTheDiskIsFull) {
  MemoryJournal journal;
  journal.fail_appends(Error{ErrorCode::exhausted, "the disk is full", {}, {}});
  auto entries = some_entries(1);
  EXPECT_EQ(journal.append(entries, Bookmark{"System", "mark"}).error().code, ErrorCode::exhausted);
  EXPECT_EQ(journal.range().last_seq, 0U);
  EXPECT_TRUE(journal.bookmarks()->empty());
  journal.fail_appends(std::nullopt);
  EXPECT_TRUE(journal.append(entries, std::nullopt));
}

TEST(MemoryJournal, StopsTheWorldAfterTheAppendThatWasAskedFor) {
  MemoryJournal journal;
  journal.crash_after_append(2);
  auto first = some_entries(1), second = some_entries(1), third = some_entries(1);
  EXPECT_TRUE(journal.append(first, std::nullopt));
  EXPECT_THROW((void)journal.append(second, std::nullopt), Crash);
  EXPECT_EQ(journal.range().last_seq, 2U) << "it was durable";
  EXPECT_TRUE(journal.append(third, std::nullopt)) << "once";
  EXPECT_EQ(journal.appends(), 3U);
}

TEST(MemoryJournal, PrunesUpToTheCheckpointAndRecordsIt) {
  MemoryJournal journal;
  auto entries = some_entries(4);
  ASSERT_TRUE(journal.append(entries, std::nullopt));
  std::vector<v1::JournalEntry> checkpoint(1);
  checkpoint[0].mutable_checkpoint();
  ASSERT_TRUE(journal.append(checkpoint, std::nullopt));
  EXPECT_FALSE(journal.wants_pruning({}));
  journal.want_pruning(true);
  EXPECT_TRUE(journal.wants_pruning({}));
  ASSERT_TRUE(journal.prune({}, 5));
  EXPECT_FALSE(journal.wants_pruning({}));
  EXPECT_EQ(journal.range().first_seq, 5U);
  EXPECT_EQ(journal.last_checkpoint().value()->seq(), 5U);
  const auto left = all_of(journal);
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[1].pruned().first_seq(), 1U);
  EXPECT_EQ(left[1].pruned().last_seq(), 4U);
  ChainLink anchor{left[1].pruned().last_seq(), left[1].pruned().last_hash()};
  const auto all = journal.read_stored(0, 10, 0).value();
  for (const auto& entry : all) EXPECT_EQ(check_link(entry, anchor), "");
}

TEST(MemoryJournal, TellsItsListenerTheNewestNumberFromManyThreads) {
  MemoryJournal journal;
  std::atomic<std::uint64_t> newest = 0;
  journal.set_listener([&](std::uint64_t seq) {
    auto seen = newest.load();
    while (seen < seq && !newest.compare_exchange_weak(seen, seq)) {
    }
  });
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 100; ++n) {
          auto entries = some_entries(1);
          EXPECT_TRUE(journal.append(entries, std::nullopt));
        }
      });
    }
  }
  EXPECT_EQ(newest, 400U);
  EXPECT_EQ(all_of(journal).size(), 400U);
}

}  // namespace
}  // namespace rdpmend::sim
