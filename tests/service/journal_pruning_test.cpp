// The journal stays within its age and size, and stays verifiable.
#include <gmock/gmock.h>

#include "service/store/sqlite_journal.hpp"
#include "tests/service/journal_test_support.hpp"

namespace rdpmend {
namespace {

using std::chrono::hours;
using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;

constexpr std::uint64_t k_mib = 1 << 20;

class PruningTest : public testing::Test {
 protected:
  void open(Days max_age, std::uint64_t max_bytes) {
    config = default_config().journal();
    *config.mutable_max_age() = to_proto_duration(max_age);
    config.set_max_bytes(max_bytes);
    journal = open_journal(file, config);
    ASSERT_NE(journal, nullptr);
  }
  // One entry a day, the last one today.
  void write_days(int count) {
    for (int i = count - 1; i >= 0; --i) ASSERT_TRUE(ok(append_one(*journal, note("day", 0, k_noon - Days{i}))));
  }
  // 40 KB each.
  void write_bulk(int batches) {
    for (int i = 0; i < batches; ++i) {
      std::vector<v1::JournalEntry> batch(10, note(std::string(4000, 'x')));
      ASSERT_TRUE(ok(journal->append(batch, std::nullopt)));
    }
  }
  v1::JournalEntry newest() { return journal->read(journal->range().last_seq - 1, 1).value().front(); }

  TempFolder folder;
  std::filesystem::path file = folder / "journal.sqlite";
  v1::JournalConfig config;
  std::unique_ptr<SqliteJournal> journal;
};

TEST_F(PruningTest, removes_what_is_too_old_and_says_so) {
  open(Days{10}, 256 * k_mib);
  write_days(30);
  const auto kept_before = journal->read_stored(19, 1).value().front();
  ASSERT_TRUE(journal->wants_pruning(k_noon));
  std::uint64_t told = 0;
  journal->set_listener([&](std::uint64_t seq) { told = seq; });
  ASSERT_TRUE(ok(journal->prune(k_noon, 30)));

  EXPECT_EQ(journal->range().first_seq, 20u);  // Ten days old to the minute is not too old.
  EXPECT_EQ(journal->range().last_seq, 31u);
  EXPECT_EQ(told, 31u);
  const auto record = newest().pruned();
  EXPECT_EQ(record.first_seq(), 1u);
  EXPECT_EQ(record.last_seq(), 19u);
  EXPECT_EQ(record.last_hash(), kept_before.previous_hash());
  EXPECT_EQ(chain_problem(*journal), "");
  EXPECT_FALSE(journal->wants_pruning(k_noon));

  journal.reset();
  journal = open_journal(file, config);
  EXPECT_EQ(journal->range().first_seq, 20u);
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST_F(PruningTest, keeps_what_it_is_told_to_keep) {
  open(Days{10}, 256 * k_mib);
  write_days(30);
  ASSERT_TRUE(ok(journal->prune(k_noon, 0)));
  ASSERT_TRUE(ok(journal->prune(k_noon, 1)));
  EXPECT_EQ(journal->range().first_seq, 1u);
  EXPECT_EQ(journal->range().last_seq, 30u) << "nothing removed, nothing to say";
  ASSERT_TRUE(ok(journal->prune(k_noon, 5)));
  EXPECT_EQ(journal->range().first_seq, 5u);
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST_F(PruningTest, prunes_again_later) {
  open(Days{10}, 256 * k_mib);
  write_days(30);
  ASSERT_TRUE(ok(journal->prune(k_noon, 30)));
  for (int day = 1; day <= 5; ++day) {
    const auto now = k_noon + Days{day};
    ASSERT_TRUE(ok(append_one(*journal, note("later", 0, now))));
    EXPECT_TRUE(journal->wants_pruning(now));
    ASSERT_TRUE(ok(journal->prune(now, journal->range().last_seq)));
    EXPECT_EQ(chain_problem(*journal), "");
  }
  EXPECT_EQ(journal->range().first_seq, 25u);
}

TEST_F(PruningTest, does_not_ask_again_at_once_when_nothing_could_be_removed) {
  open(Days{10}, 256 * k_mib);
  write_days(30);
  ASSERT_TRUE(ok(journal->prune(k_noon, 1)));
  EXPECT_FALSE(journal->wants_pruning(k_noon + hours{1}));
  EXPECT_TRUE(journal->wants_pruning(k_noon + hours{25}));
}

TEST_F(PruningTest, does_not_believe_a_clock_that_has_just_leapt_ahead) {
  open(Days{400}, 256 * k_mib);
  write_days(30);
  const auto wrong = k_noon + Days{10'000};
  ASSERT_TRUE(ok(append_one(*journal, note("leapt", 0, wrong))));
  ASSERT_TRUE(ok(append_one(*journal, note("leapt", 0, wrong + hours{20}))));
  ASSERT_TRUE(ok(journal->prune(wrong + hours{20}, 32)));
  EXPECT_EQ(journal->range().first_seq, 1u);
  // A day later nobody has set it right: it is the time.
  ASSERT_TRUE(ok(append_one(*journal, note("time", 0, wrong + hours{45}))));
  ASSERT_TRUE(journal->wants_pruning(wrong + hours{45}));
  ASSERT_TRUE(ok(journal->prune(wrong + hours{45}, 33)));
  EXPECT_EQ(journal->range().first_seq, 31u);
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST_F(PruningTest, stays_within_its_size_on_the_disk) {
  open(Days{400}, k_mib);
  std::uint64_t most = 0;
  int pruned = 0;
  for (int i = 0; i < 150; ++i) {
    write_bulk(1);
    if (journal->wants_pruning(k_noon)) {
      ASSERT_TRUE(ok(append_one(*journal, checkpoint(0))));
      ASSERT_TRUE(ok(journal->prune(k_noon, journal->range().last_seq)));
      EXPECT_LE(journal->range().bytes, k_mib);
      EXPECT_FALSE(journal->wants_pruning(k_noon));
      ++pruned;
    }
    most = std::max(most, journal->range().bytes);
  }
  EXPECT_GT(pruned, 5);
  EXPECT_LT(pruned, 200) << "each pruning makes room for a while";
  EXPECT_LE(most, k_mib + 150'000) << "one batch and its pages over the bound at most";
  EXPECT_GT(most, k_mib * 8 / 10) << "and it uses what it may";
  EXPECT_GT(journal->range().last_seq - journal->range().first_seq, 100u);
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST_F(PruningTest, too_much_that_must_be_kept_is_not_asked_for_all_the_time) {
  open(Days{400}, k_mib);
  write_bulk(40);
  ASSERT_TRUE(journal->wants_pruning(k_noon));
  ASSERT_TRUE(ok(journal->prune(k_noon, 1)));
  EXPECT_FALSE(journal->wants_pruning(k_noon));
  write_bulk(4);
  EXPECT_TRUE(journal->wants_pruning(k_noon));
}

TEST_F(PruningTest, gives_the_room_back_to_the_disk) {
  open(Days{400}, k_mib);
  write_bulk(60);
  const auto before = journal->range();
  EXPECT_GT(before.bytes, 2 * k_mib);
  ASSERT_TRUE(ok(journal->prune(k_noon, before.last_seq)));
  EXPECT_LE(journal->range().bytes, k_mib);
  EXPECT_EQ(journal->range().bytes,
            std::filesystem::file_size(file) + std::filesystem::file_size(std::filesystem::path(file) += "-wal"));
}

}  // namespace
}  // namespace rdpmend
