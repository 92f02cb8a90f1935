// The journal as the engine and the readers use it.
#include "service/store/sqlite_journal.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "agent-lib/record/journal_chain.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/os/private_file.hpp"
#include "service/store/entry_row.hpp"
#include "service/store/sqlite.hpp"
#include "tests/record/sealed_by_hand.hpp"
#include "tests/service/journal_test_support.hpp"
#include "tests/service/outsiders.hpp"

#ifdef _WIN32
#include "tests/contract/win32/wine.hpp"
#endif

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class SqliteJournalTest : public testing::Test {
 protected:
  void reopen() {
    journal.reset();
    journal = open_journal(file);
    ASSERT_NE(journal, nullptr);
  }

  TempFolder folder;
  std::filesystem::path file = folder / "state/journal.sqlite";
  std::unique_ptr<SqliteJournal> journal = open_journal(file);
};

TEST_F(SqliteJournalTest, is_empty_at_first) {
  EXPECT_EQ(journal->range().first_seq, 0u);
  EXPECT_EQ(journal->range().last_seq, 0u);
  EXPECT_THAT(journal->read(0, 10).value(), IsEmpty());
  EXPECT_FALSE(journal->last_checkpoint().value().has_value());
  EXPECT_THAT(journal->bookmarks().value(), IsEmpty());
  EXPECT_FALSE(journal->wants_pruning(k_noon));
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST_F(SqliteJournalTest, numbers_and_chains_what_is_appended) {
  std::vector<v1::JournalEntry> entries{note("a"), note("b"), note("c")};
  ASSERT_TRUE(ok(journal->append(entries, std::nullopt)));
  EXPECT_EQ(entries[0].seq(), 1u);
  EXPECT_EQ(entries[2].seq(), 3u);
  ChainLink last;
  const auto all = journal->read_stored(0, 10).value();
  for (const auto& stored : all) EXPECT_EQ(check_link(stored, last), "");

  const auto read = journal->read(0, 10).value();
  ASSERT_EQ(read.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(read[i].SerializeAsString(), entries[i].SerializeAsString());
  EXPECT_EQ(journal->range().first_seq, 1u);
  EXPECT_EQ(journal->range().last_seq, 3u);
}

TEST_F(SqliteJournalTest, reads_pages_in_order) {
  std::vector<v1::JournalEntry> entries;
  for (const char* word : {"a", "b", "c", "d", "e"}) entries.push_back(note(word));
  ASSERT_TRUE(ok(journal->append(entries, std::nullopt)));
  EXPECT_THAT(words_of(journal->read(0, 2).value()), ElementsAre("a", "b"));
  EXPECT_THAT(words_of(journal->read(2, 2).value()), ElementsAre("c", "d"));
  EXPECT_THAT(words_of(journal->read(4, 2).value()), ElementsAre("e"));
  EXPECT_THAT(journal->read(5, 2).value(), IsEmpty());
  EXPECT_THAT(journal->read(UINT64_MAX, 2).value(), IsEmpty());
  EXPECT_EQ(journal->read(0, SIZE_MAX).value().size(), 5u);
}

TEST_F(SqliteJournalTest, reads_an_incident_from_its_opening_on) {
  std::vector<v1::JournalEntry> entries{note("before"), opening("clock_wrong"), note("of it", 2), note("other", 9),
                                        note("also", 2)};
  ASSERT_TRUE(ok(journal->append(entries, std::nullopt)));
  const auto of_it = journal->read(0, 10, 2).value();
  ASSERT_EQ(of_it.size(), 3u);
  EXPECT_TRUE(of_it[0].has_incident_opened());
  EXPECT_EQ(of_it[0].incident_id(), 2u) << "its own number";
  EXPECT_THAT(words_of(journal->read(2, 10, 2).value()), ElementsAre("of it", "also"));
  EXPECT_THAT(words_of(journal->read(2, 1, 2).value()), ElementsAre("of it"));
}

TEST_F(SqliteJournalTest, finds_the_newest_checkpoint) {
  for (std::uint32_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(ok(append_one(*journal, checkpoint(i))));
    ASSERT_TRUE(ok(append_one(*journal, note("x"))));
  }
  const auto newest = journal->last_checkpoint().value();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->seq(), 5u);
  EXPECT_EQ(newest->checkpoint().failures_in_a_row(), 3u);
}

TEST_F(SqliteJournalTest, keeps_the_newest_bookmark_of_each_channel) {
  ASSERT_TRUE(ok(append_one(*journal, note("a"), Bookmark{"System", "1"})));
  ASSERT_TRUE(ok(append_one(*journal, note("b"), Bookmark{"Application", "7"})));
  std::vector<v1::JournalEntry> nothing;
  ASSERT_TRUE(ok(journal->append(nothing, Bookmark{"System", "2"})));
  EXPECT_THAT(journal->bookmarks().value(), ElementsAre(Pair("Application", "7"), Pair("System", "2")));
  EXPECT_EQ(journal->range().last_seq, 2u);
}

TEST_F(SqliteJournalTest, knows_everything_again_when_it_is_reopened) {
  ASSERT_TRUE(ok(append_one(*journal, checkpoint(4), Bookmark{"System", "5"})));
  reopen();
  EXPECT_EQ(journal->range().last_seq, 1u);
  EXPECT_EQ(journal->last_checkpoint().value()->checkpoint().failures_in_a_row(), 4u);
  EXPECT_THAT(journal->bookmarks().value(), ElementsAre(Pair("System", "5")));
  ASSERT_TRUE(ok(append_one(*journal, note("next"))));
  EXPECT_EQ(journal->range().last_seq, 2u);
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST_F(SqliteJournalTest, tells_the_listener_the_newest_number_until_it_is_removed) {
  std::vector<std::uint64_t> told;
  journal->set_listener([&](std::uint64_t seq) { told.push_back(seq); });
  std::vector<v1::JournalEntry> two{note("a"), note("b")};
  ASSERT_TRUE(ok(journal->append(two, std::nullopt)));
  ASSERT_TRUE(ok(append_one(*journal, note("c"))));
  journal->set_listener(nullptr);
  ASSERT_TRUE(ok(append_one(*journal, note("d"))));
  EXPECT_THAT(told, ElementsAre(2u, 3u));
}

TEST_F(SqliteJournalTest, is_readable_by_its_owner_only) {
  // On Windows it is the folder, made as the service makes it, that keeps others out.
  ASSERT_TRUE(ok(make_private_folder(folder / "private")));
#ifdef _WIN32
  if (contract::is_wine()) GTEST_SKIP() << "Wine: a new file does not take over its folder's access list";
#endif
  file = folder / "private/journal.sqlite";
  reopen();
  ASSERT_TRUE(ok(append_one(*journal, note("a"))));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const auto path = std::filesystem::path(file) += suffix;
    EXPECT_THAT(outsiders(path), IsEmpty()) << path;
  }
}

// What went wrong in any thread.
class Complaints {
 public:
  void add(std::string text) {
    const std::lock_guard lock(mutex_);
    if (texts_.size() < 10) texts_.push_back(std::move(text));
  }
  std::vector<std::string> all() const { return texts_; }

 private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

TEST_F(SqliteJournalTest, readers_see_all_in_order_while_it_is_written) {
  constexpr std::uint64_t k_batches = 150;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> told{0};
  Complaints complaints;
  journal->set_listener([&](std::uint64_t seq) {
    if (seq < told.exchange(seq)) complaints.add("told backwards");
  });
  // To the end of what was written before `done`.
  const auto follow = [&] {
    std::uint64_t after = 0;
    for (bool finished = false; !finished;) {
      const bool was_done = done;
      const auto page = journal->read(after, 7);
      if (!page) return complaints.add(text_of(page.error()));
      for (const auto& entry : *page) {
        if (entry.seq() != ++after) complaints.add("gap before " + std::to_string(entry.seq()));
      }
      const auto bookmarks = journal->bookmarks();
      if (!bookmarks) return complaints.add(text_of(bookmarks.error()));
      if (after > 0 && std::stoull(bookmarks->at("System")) * 2 < after)
        complaints.add("a bookmark behind its entries");
      finished = was_done && page->empty();
    }
    if (after != k_batches * 2) complaints.add("ended at " + std::to_string(after));
  };
  const auto verify = [&] {
    while (!done) {
      const auto problem = chain_problem(*journal);
      if (!problem.empty()) complaints.add(problem);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) threads.emplace_back(follow);  // One more than there are connections.
  threads.emplace_back(verify);
  for (std::uint64_t i = 0; i < k_batches; ++i) {
    std::vector<v1::JournalEntry> pair{note("a"), note("b")};
    const auto appended = journal->append(pair, Bookmark{"System", std::to_string(i + 1)});
    if (!appended) complaints.add(text_of(appended.error()));
  }
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(complaints.all(), IsEmpty());
  EXPECT_EQ(told, k_batches * 2);
}

TEST_F(SqliteJournalTest, many_writers_make_one_chain) {
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        if (!append_one(*journal, note("x"))) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(journal->range().last_seq, 100u);
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST_F(SqliteJournalTest, ten_thousand_entries_are_read_in_pages_and_by_incident) {
  for (int batch = 0; batch < 100; ++batch) {
    std::vector<v1::JournalEntry> entries;
    for (int i = 0; i < 100; ++i) entries.push_back(note(std::to_string(batch * 100 + i), i == 0 ? 77 : 0));
    ASSERT_TRUE(ok(journal->append(entries, std::nullopt)));
  }
  std::uint64_t after = 0;
  while (true) {
    const auto page = journal->read(after, 500).value();
    if (page.empty()) break;
    after = page.back().seq();
  }
  EXPECT_EQ(after, 10'000u);
  EXPECT_EQ(journal->read(0, 1000, 77).value().size(), 100u);
  EXPECT_EQ(chain_problem(*journal), "");
}

// --- what somebody with access to the file may do to it ---

class TamperTest : public SqliteJournalTest {
 protected:
  void SetUp() override {
    std::vector<v1::JournalEntry> entries{opening("clock_wrong")};
    for (int i = 2; i <= 10; ++i) entries.push_back(note("entry " + std::to_string(i)));
    ASSERT_TRUE(ok(journal->append(entries, std::nullopt)));
    ASSERT_EQ(chain_problem(*journal), "");
  }
  void tamper(const std::string& sql) {
    auto database = sqlite::Database::open(file, sqlite::Access::write);
    ASSERT_TRUE(ok(database));
    ASSERT_TRUE(ok(database->execute(sql)));
  }
  // Another text, everything else as it was.
  void rewrite(std::uint64_t seq, const std::string& what) {
    auto entry = journal->read(seq - 1, 1).value().front();
    entry.mutable_internal_error()->set_what(what);
    entry.clear_seq();
    const auto content = entry.SerializeAsString();
    auto database = sqlite::Database::open(file, sqlite::Access::write);
    ASSERT_TRUE(ok(database));
    auto update = database->prepare("UPDATE entries SET content=?1 WHERE seq=?2").value();
    update.bind_blob(1, content);
    update.bind(2, static_cast<std::int64_t>(seq));
    ASSERT_TRUE(ok(update.run()));
  }
};

TEST_F(TamperTest, a_changed_text_is_found) {
  rewrite(6, "nothing happened");
  EXPECT_EQ(words_of(journal->read(5, 1).value()).front(), "nothing happened");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 6 was changed"));
}

TEST_F(TamperTest, an_unreadable_entry_is_found_and_named_by_readers) {
  tamper("UPDATE entries SET content=x'ffff' WHERE seq=4");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 4 was changed"));
  const auto read = journal->read(0, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  EXPECT_THAT(text_of(read.error()), HasSubstr("entry 4"));
  EXPECT_TRUE(ok(journal->read(4, 10))) << "the rest stays readable";
}

TEST_F(TamperTest, a_removed_entry_is_found) {
  tamper("DELETE FROM entries WHERE seq=5");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 6 does not follow entry 4"));
}

TEST_F(TamperTest, removing_the_oldest_entries_is_found) {
  tamper("DELETE FROM entries WHERE seq<=3");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 4 is the oldest"));
}

TEST_F(TamperTest, an_entry_in_the_place_of_another_is_found) {
  tamper("UPDATE entries SET content=(SELECT content FROM entries WHERE seq=7) WHERE seq=3");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 3 was changed"));
}

TEST_F(TamperTest, an_entry_that_was_written_elsewhere_is_found) {
  TempFolder other;
  {
    const auto elsewhere = open_journal(other / "journal.sqlite");
    for (int i = 1; i <= 10; ++i) ASSERT_TRUE(ok(append_one(*elsewhere, note("other " + std::to_string(i)))));
  }
  tamper("ATTACH '" + to_utf8(other / "journal.sqlite") +
         "' AS other; UPDATE entries SET (previous_hash, hash, content) ="
         " (SELECT previous_hash, hash, content FROM other.entries WHERE seq=3) WHERE seq=3");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 3 was not written after the entry 2"));
}

TEST_F(TamperTest, an_entry_moved_to_another_incident_is_found) {
  tamper("UPDATE entries SET incident_id=1 WHERE seq=8");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 8 is filed wrongly"));
}

TEST_F(TamperTest, an_entry_that_hides_as_one_of_another_kind_is_found) {
  tamper("UPDATE entries SET kind=4711 WHERE seq=8");
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 8 is filed wrongly"));
}

// --- what another version wrote, whose entries have other fields ---

TEST_F(SqliteJournalTest, entries_with_fields_and_bodies_of_another_version_stay_valid_and_keep_their_bytes) {
  ASSERT_TRUE(ok(append_one(*journal, note("of this version"))));
  auto last = link_of(journal->read_stored(0, 1).value().front());
  const auto with_a_field = test::sealed_by_hand(test::content_of_another_version(note("a field more")), last);
  const auto with_a_body =
      test::sealed_by_hand(test::content_with_a_body_of_another_version(note("")), link_of(with_a_field));
  journal.reset();
  {
    auto database = sqlite::Database::open(file, sqlite::Access::write);
    ASSERT_TRUE(ok(database));
    auto insert = database->prepare(k_insert_entry).value();
    for (const auto& stored : {with_a_field, with_a_body})
      ASSERT_TRUE(ok(insert_entry(insert, stored, read_entry(stored).value())));
    ASSERT_TRUE(ok(database->execute("UPDATE entries SET kind=4711 WHERE seq=3")));
  }
  reopen();
  EXPECT_EQ(chain_problem(*journal), "");
  const auto kept = journal->read_stored(1, 10).value();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].SerializeAsString(), with_a_field.SerializeAsString());
  EXPECT_EQ(kept[1].SerializeAsString(), with_a_body.SerializeAsString());
  EXPECT_THAT(words_of(journal->read(1, 1).value()), ElementsAre("a field more"));
  ASSERT_TRUE(ok(append_one(*journal, note("of this version again"))));
  EXPECT_EQ(chain_problem(*journal), "");
}

}  // namespace
}  // namespace rdpmend
