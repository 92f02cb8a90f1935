// What the journal does about a file that it cannot use, a disk that is full, and a process that dies.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "service/store/journal_file.hpp"
#include "service/store/sqlite.hpp"
#include "service/store/sqlite_journal.hpp"
#include "tests/service/journal_test_support.hpp"

#ifndef _WIN32
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/service/small_disk.hpp"
#endif

namespace rdpmend {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void fill(const fs::path& file, int entries) {
  const auto journal = open_journal(file);
  ASSERT_NE(journal, nullptr);
  std::vector<v1::JournalEntry> batch;
  for (int i = 1; i <= entries; ++i) batch.push_back(note("entry " + std::to_string(i)));
  ASSERT_TRUE(ok(journal->append(batch, Bookmark{"System", "5"})));
}

class SetAsideTest : public testing::Test {
 protected:
  // Opens the file, which must be set aside for `reason` with its bytes as they are now.
  void expect_set_aside(const std::string& reason) {
    const auto before = bytes_of(file);
    const auto log_before = bytes_of(fs::path(file) += "-wal");
    auto opened = SqliteJournal::open(file, default_config().journal());
    ASSERT_TRUE(ok(opened));
    EXPECT_THAT(opened->degraded, HasSubstr(reason));
    ASSERT_TRUE(ok(append_one(*opened->journal, note("a new beginning"))));
    EXPECT_EQ(opened->journal->range().last_seq, 1u);
    EXPECT_EQ(chain_problem(*opened->journal), "");

    const auto aside = set_aside_files();
    ASSERT_EQ(aside.size(), expected_aside);
    EXPECT_THAT(opened->degraded, HasSubstr(aside.back().string()));
    EXPECT_EQ(bytes_of(aside.back()), before);
    EXPECT_EQ(bytes_of(fs::path(aside.back()) += "-wal"), log_before);
    opened->journal.reset();
    EXPECT_NE(open_journal(file), nullptr) << "the new journal is a good one";
  }

  // The databases, without what belongs to them; in the order in which they were set aside.
  std::vector<fs::path> set_aside_files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("journal.sqlite.set-aside-") && !name.ends_with("-wal") && !name.ends_with("-shm")) {
        found.push_back(entry.path());
      }
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return fs::last_write_time(a) < fs::last_write_time(b); });
    return found;
  }

  void execute(const std::string& sql) {
    auto database = sqlite::Database::open(file, sqlite::Access::create);
    ASSERT_TRUE(ok(database));
    ASSERT_TRUE(ok(database->execute(sql)));
  }

  // The file and its log as a power cut would leave them.
  void copy_of_a_running_journal(int entries) {
    const fs::path live = folder / "live.sqlite";
    const auto journal = open_journal(live);
    ASSERT_NE(journal, nullptr);
    for (int i = 1; i <= entries; ++i) ASSERT_TRUE(ok(append_one(*journal, note("entry " + std::to_string(i)))));
    fs::copy_file(live, file);
    fs::copy_file(fs::path(live) += "-wal", fs::path(file) += "-wal");
  }

  TempFolder folder;
  fs::path file = folder / "journal.sqlite";
  std::size_t expected_aside = 1;
};

TEST_F(SetAsideTest, garbage) {
  write_bytes(file, std::string(50'000, 'x'));
  expect_set_aside("damaged");
}

TEST_F(SetAsideTest, a_short_text) {
  write_bytes(file, "hello\n");
  expect_set_aside("damaged");
}

TEST_F(SetAsideTest, an_empty_file) {
  write_bytes(file, "");
  expect_set_aside("it is empty");
}

TEST_F(SetAsideTest, a_write_ahead_log_whose_database_is_gone) {
  copy_of_a_running_journal(3);
  fs::remove(file);
  const auto log = bytes_of(fs::path(file) += "-wal");
  ASSERT_FALSE(log.empty());
  auto opened = SqliteJournal::open(file, default_config().journal());
  ASSERT_TRUE(ok(opened));
  EXPECT_THAT(opened->degraded, HasSubstr("missing beside its write-ahead log"));
  EXPECT_EQ(opened->journal->range().last_seq, 0u);
  bool kept = false;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    const auto name = entry.path().filename().string();
    kept |= name.find("set-aside") != std::string::npos && name.ends_with("-wal") && bytes_of(entry.path()) == log;
  }
  EXPECT_TRUE(kept);
}

TEST_F(SetAsideTest, a_truncated_database) {
  fill(file, 2000);
  const auto size = fs::file_size(file);
  for (const auto length : {size / 2, size - 4096, std::uintmax_t{5000}, std::uintmax_t{100}}) {
    fs::remove(file);
    fill(file, 2000);
    fs::resize_file(file, length);
    SCOPED_TRACE(length);
    expect_set_aside("damaged");
    ++expected_aside;
  }
}

TEST_F(SetAsideTest, a_page_full_of_zeros) {
  fill(file, 2000);
  auto bytes = bytes_of(file);
  std::fill_n(bytes.begin() + 3 * 4096, 4096, '\0');
  write_bytes(file, bytes);
  expect_set_aside("damaged");
}

TEST_F(SetAsideTest, another_programs_database) {
  execute("CREATE TABLE entries(seq INTEGER PRIMARY KEY, text); INSERT INTO entries VALUES(1, 'mine')");
  expect_set_aside("another program");
}

TEST_F(SetAsideTest, another_programs_database_with_a_write_ahead_log) {
  execute("PRAGMA journal_mode=WAL; PRAGMA application_id=4711; CREATE TABLE other(x)");
  expect_set_aside("another program");
}

// Not damaged: another version knows what is in it, and nothing of it may be lost without a word.
TEST_F(SetAsideTest, a_journal_of_another_version_is_refused_and_left_as_it_is) {
  fill(file, 3);
  const std::pair<int, const char*> versions[] = {{k_journal_format - 1, "an older version"},
                                                  {k_journal_format + 1, "a newer version"}};
  for (const auto& [version, words] : versions) {
    execute("PRAGMA user_version=" + std::to_string(version));
    const auto before = bytes_of(file);
    const auto opened = SqliteJournal::open(file, default_config().journal());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::conflict);
    EXPECT_THAT(text_of(opened.error()),
                AllOf(HasSubstr(words), HasSubstr("Install the version that wrote it"), HasSubstr("move the file")));
    EXPECT_EQ(bytes_of(file), before);
    EXPECT_THAT(set_aside_files(), testing::IsEmpty());
  }
  execute("PRAGMA user_version=" + std::to_string(k_journal_format));
  EXPECT_EQ(open_journal(file)->range().last_seq, 3u);
}

TEST_F(SetAsideTest, missing_tables) {
  fill(file, 3);
  execute("DROP TABLE entries");
  expect_set_aside("no such table");
}

TEST_F(SetAsideTest, a_newest_entry_that_was_changed) {
  fill(file, 3);
  execute("UPDATE entries SET content=(SELECT content FROM entries WHERE seq=1) WHERE seq=3");
  expect_set_aside("entry 3 was changed");
}

TEST_F(SetAsideTest, damage_with_a_write_ahead_log_keeps_both) {
  copy_of_a_running_journal(5);
  auto bytes = bytes_of(file);
  ASSERT_GT(bytes.size(), 100u);
  std::fill_n(bytes.begin(), 16, 'x');
  write_bytes(file, bytes);
  expect_set_aside("damaged");
}

TEST_F(SetAsideTest, again_and_again_under_names_of_their_own) {
  for (int i = 0; i < 3; ++i) {
    std::error_code ignored;
    fs::remove(file, ignored);
    write_bytes(file, "damaged " + std::to_string(i));
    expect_set_aside("damaged");
    ++expected_aside;
  }
}

TEST_F(SetAsideTest, an_old_entry_that_was_changed_does_not_stop_the_service) {
  fill(file, 1500);
  execute("UPDATE entries SET content=x'00' WHERE seq=2");
  const auto journal = open_journal(file);
  ASSERT_NE(journal, nullptr);
  EXPECT_THAT(chain_problem(*journal), HasSubstr("entry 2 "));
}

// --- what is an error and leaves everything as it is ---

TEST(JournalOpenTest, a_folder_in_its_place_is_an_error) {
  TempFolder folder;
  fs::create_directory(folder / "journal.sqlite");
  const auto opened = SqliteJournal::open(folder / "journal.sqlite", default_config().journal());
  ASSERT_FALSE(opened);
  EXPECT_THAT(text_of(opened.error()), HasSubstr("it is a folder"));
  EXPECT_TRUE(fs::is_directory(folder / "journal.sqlite"));
}

TEST(JournalOpenTest, a_file_where_its_folder_should_be_is_an_error) {
  TempFolder folder;
  write_bytes(folder / "state", "x");
  const auto opened = SqliteJournal::open(folder / "state/journal.sqlite", default_config().journal());
  ASSERT_FALSE(opened);
  EXPECT_THAT(text_of(opened.error()), HasSubstr("cannot"));
}

TEST(JournalOpenTest, has_one_owner_at_a_time) {
  TempFolder folder;
  auto first = open_journal(folder / "journal.sqlite");
  ASSERT_TRUE(ok(append_one(*first, note("mine"))));
  const auto second = SqliteJournal::open(folder / "journal.sqlite", default_config().journal());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_THAT(text_of(second.error()), HasSubstr("in use by another rdpmend service"));
  first.reset();
  EXPECT_NE(open_journal(folder / "journal.sqlite"), nullptr);
}

#ifndef _WIN32

TEST(JournalOpenTest, a_file_that_may_not_be_written_is_an_error) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everything";
  TempFolder folder;
  fill(folder / "journal.sqlite", 3);
  fs::permissions(folder / "journal.sqlite", fs::perms::owner_read);
  const auto opened = SqliteJournal::open(folder / "journal.sqlite", default_config().journal());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::denied);
}

// A child that runs `work` until it is killed.
class Child {
 public:
  template <class Work>
  explicit Child(Work work) {
    EXPECT_EQ(pipe(pipe_), 0);
    pid_ = fork();
    if (pid_ == 0) {
      close(pipe_[0]);
      work([this](std::uint64_t value) { return write(pipe_[1], &value, sizeof value) == sizeof value; });
      _exit(1);
    }
    close(pipe_[1]);
  }
  ~Child() {
    kill_now();
    close(pipe_[0]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // What the child said; nullopt: it is gone.
  std::optional<std::uint64_t> hear() {
    std::uint64_t value = 0;
    if (read(pipe_[0], &value, sizeof value) != sizeof value) return std::nullopt;
    return value;
  }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  int pipe_[2]{};
  pid_t pid_ = -1;
};

TEST(JournalCrashTest, another_process_is_kept_out_until_the_owner_dies) {
  TempFolder folder;
  const auto file = folder / "journal.sqlite";
  Child owner([&](auto say) {
    const auto opened = SqliteJournal::open(file, default_config().journal());
    say(opened ? 1 : 0);
    for (;;) pause();
  });
  ASSERT_EQ(owner.hear(), 1u);
  const auto refused = SqliteJournal::open(file, default_config().journal());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  owner.kill_now();
  EXPECT_NE(open_journal(file), nullptr);
}

TEST(JournalCrashTest, everything_acknowledged_survives_a_kill_at_any_moment) {
  TempFolder folder;
  const auto file = folder / "journal.sqlite";
  std::uint64_t acknowledged = 0;
  for (int round = 1; round <= 8; ++round) {
    Child writer([&](auto say) {
      const auto opened = SqliteJournal::open(file, default_config().journal());
      if (!opened) _exit(2);
      for (std::uint64_t n = opened->journal->range().last_seq;;) {
        std::vector<v1::JournalEntry> batch{note(std::to_string(n + 1)), note(std::to_string(n + 2))};
        n += 2;
        if (!opened->journal->append(batch, Bookmark{"System", std::to_string(n)}) || !say(n)) _exit(3);
      }
    });
    for (int i = 0; i < round * 3; ++i) {
      const auto heard = writer.hear();
      ASSERT_TRUE(heard.has_value());
      acknowledged = *heard;
    }
    writer.kill_now();
    while (const auto heard = writer.hear()) acknowledged = *heard;

    const auto journal = open_journal(file);
    ASSERT_NE(journal, nullptr);
    const auto entries = journal->read(0, SIZE_MAX).value();
    ASSERT_GE(entries.size(), acknowledged);
    EXPECT_EQ(entries.size() % 2, 0u) << "half a batch";
    EXPECT_EQ(journal->bookmarks().value()["System"], std::to_string(entries.size()));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      ASSERT_EQ(entries[i].internal_error().what(), std::to_string(i + 1));
    }
    EXPECT_EQ(chain_problem(*journal), "");
    acknowledged = entries.size();
  }
}

TEST(JournalDiskFullTest, an_append_that_finds_no_room_changes_nothing_and_later_ones_work) {
  TempFolder folder;
  const auto file = folder / "journal.sqlite";
  SmallDisk disk;
  auto journal = open_journal(file);
  ASSERT_TRUE(ok(append_one(*journal, note("first"), Bookmark{"System", "1"})));
  std::uint64_t expected = 1;
  bool appended = false;
  int refused = 0;
  for (int room = 0; !appended; ++room) {
    ASSERT_LT(room, 1000);
    std::vector<v1::JournalEntry> batch;
    for (int i = 0; i < 20; ++i) batch.push_back(note(std::string(3000, 'x')));
    disk.has_room_for(room);
    const auto status = journal->append(batch, Bookmark{"System", "2"});
    // Full while folding the log back, after the commit: the entries are durable and stay so.
    appended = status.has_value();
    disk.is_free();
    if (appended) {
      expected += 20;
      break;
    }
    ++refused;
    EXPECT_EQ(status.error().code, ErrorCode::exhausted) << text_of(status.error());
    EXPECT_THAT(text_of(status.error()), HasSubstr("Free space"));
    EXPECT_EQ(batch.front().seq(), 0u) << "as it was handed in";
    EXPECT_EQ(journal->range().last_seq, expected);
    EXPECT_EQ(journal->read(0, 100).value().size(), expected);
    EXPECT_EQ(journal->bookmarks().value()["System"], "1");
    if (room % 10 == 0) {
      ASSERT_TRUE(ok(append_one(*journal, note("in between"))));
      ++expected;
    }
  }
  EXPECT_GT(refused, 10);
  EXPECT_EQ(chain_problem(*journal), "");
  journal.reset();
  journal = open_journal(file);
  EXPECT_EQ(journal->range().last_seq, expected);
  EXPECT_EQ(chain_problem(*journal), "");
}

TEST(JournalDiskFullTest, is_told_of_once_and_remembered_until_there_is_room) {
  TempFolder folder;
  SmallDisk disk;
  auto journal = open_journal(folder / "journal.sqlite");
  int told = 0;
  journal->set_on_trouble([&] { ++told; });
  ASSERT_TRUE(ok(append_one(*journal, note("first"))));
  EXPECT_FALSE(journal->trouble());
  disk.has_room_for(0);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(append_one(*journal, note("no room")));
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(journal->trouble());
  EXPECT_EQ(journal->trouble()->code, ErrorCode::exhausted);
  disk.is_free();
  ASSERT_TRUE(ok(append_one(*journal, note("room"))));
  EXPECT_FALSE(journal->trouble());
  disk.has_room_for(0);
  EXPECT_FALSE(append_one(*journal, note("no room")));
  EXPECT_EQ(told, 2) << "a second time is told of too";
  disk.is_free();
}

TEST(JournalDiskFullTest, opening_on_a_full_disk_is_an_error_and_sets_nothing_aside) {
  TempFolder folder;
  const auto file = folder / "journal.sqlite";
  SmallDisk disk;
  for (int room = 0;; ++room) {
    ASSERT_LT(room, 1000);
    disk.has_room_for(room);
    const auto opened = SqliteJournal::open(file, default_config().journal());
    const bool full = disk.was_full();
    disk.is_free();
    if (opened) {
      EXPECT_EQ(opened->degraded, "");
      EXPECT_FALSE(full) << room;
      break;
    }
    EXPECT_EQ(opened.error().code, ErrorCode::exhausted) << text_of(opened.error());
  }
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().filename().string().find("set-aside"), std::string::npos);
  }
}

TEST(JournalDiskFullTest, pruning_on_a_full_disk_changes_nothing) {
  TempFolder folder;
  auto config = default_config().journal();
  config.set_max_bytes(1 << 20);
  SmallDisk disk;
  const auto journal = open_journal(folder / "journal.sqlite", config);
  for (int i = 0; i < 40; ++i) {
    std::vector<v1::JournalEntry> batch(10, note(std::string(3000, 'x')));
    ASSERT_TRUE(ok(journal->append(batch, std::nullopt)));
  }
  const auto before = journal->range();
  ASSERT_TRUE(journal->wants_pruning(k_noon));
  disk.has_room_for(2);
  EXPECT_FALSE(journal->prune(k_noon, before.last_seq));
  disk.is_free();
  EXPECT_EQ(journal->range().first_seq, 1u);
  EXPECT_EQ(journal->range().last_seq, before.last_seq);
  EXPECT_EQ(chain_problem(*journal), "");
  ASSERT_TRUE(ok(journal->prune(k_noon, before.last_seq)));
  EXPECT_GT(journal->range().first_seq, 1u);
  EXPECT_EQ(chain_problem(*journal), "");
}

#endif

}  // namespace
}  // namespace rdpmend
