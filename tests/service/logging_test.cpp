// The program's log: its lines, its levels, its bound.
#include "service/os/logging.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <thread>

#include "agent-lib/support/log.hpp"
#include "service/config/config.hpp"
#include "tests/service/journal_test_support.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// GoogleTest's own expressions know no sets of characters on Windows.
MATCHER_P(Matches, pattern, "matches " + std::string(pattern)) {
  return std::regex_match(arg, std::regex(pattern));
}

class LoggingTest : public testing::Test {
 protected:
  ~LoggingTest() override { stop_logging(); }

  // As text: a line ends as the system's lines do.
  std::string written() const {
    std::ifstream stream(folder / "log/rdpmendd.log");
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "log")) found.push_back(entry.path());
    return found;
  }

  TempFolder folder;
  v1::LogConfig config = default_config().log();
};

TEST_F(LoggingTest, writes_time_level_and_message_to_the_file) {
  ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
  log::warning("the answer is {}", 42);
  EXPECT_THAT(written(), Matches("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:.]+Z warning the answer is 42\n"));
}

TEST_F(LoggingTest, leaves_out_what_is_below_the_level) {
  config.set_level(v1::LogConfig::LEVEL_WARNING);
  ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
  log::info("not this");
  log::error("but this");
  EXPECT_THAT(written(), AllOf(HasSubstr("but this"), Not(HasSubstr("not this"))));
}

TEST_F(LoggingTest, keeps_a_line_one_line_without_control_characters) {
  ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
  log::info("a\nb\x1b[31mc\td");
  EXPECT_THAT(written(), HasSubstr("a\\nb\\x1b[31mc\\x09d\n"));
}

TEST_F(LoggingTest, cuts_a_line_that_is_too_long) {
  ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
  log::info("{}", std::string(1'000'000, 'x'));
  EXPECT_LT(written().size(), 20'000u);
  EXPECT_THAT(written(), HasSubstr("(1000000 bytes)"));
}

TEST_F(LoggingTest, rotates_and_keeps_a_bounded_number_of_files_over_restarts) {
  config.set_rotate_bytes(64 * 1024);
  config.set_keep_files(2);
  for (int run = 0; run < 3; ++run) {
    ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
    for (int i = 0; i < 300; ++i) log::info("{} {} {}", run, i, std::string(1000, 'x'));
    stop_logging();
  }
  EXPECT_EQ(files().size(), 3u) << "the current one and two older";
  for (const auto& file : files()) EXPECT_LE(std::filesystem::file_size(file), 68u * 1024) << file;
  EXPECT_THAT(written(), HasSubstr("2 299 "));
}

TEST_F(LoggingTest, appends_to_the_file_of_an_earlier_run) {
  for (const char* word : {"first", "second"}) {
    ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
    log::info("{}", word);
    stop_logging();
  }
  EXPECT_THAT(written(), AllOf(HasSubstr("first"), HasSubstr("second")));
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(LoggingTest, writes_nothing_after_it_was_stopped) {
  ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
  log::info("before");
  stop_logging();
  log::error("after");
  EXPECT_THAT(written(), Not(HasSubstr("after")));
}

TEST_F(LoggingTest, writes_to_the_console_without_colour_where_it_is_no_terminal) {
  testing::internal::CaptureStderr();
  ASSERT_TRUE(ok(start_logging(config, ConsoleLog::standard_error, std::nullopt)));
  log::error("for people");
  stop_logging();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Matches("[^\x1b]* error   for people\n"));
}

TEST_F(LoggingTest, a_folder_that_cannot_be_written_is_an_error) {
  write_bytes(folder / "log", "a file");
  const auto started = start_logging(config, ConsoleLog::none, folder / "log");
  ASSERT_FALSE(started);
  EXPECT_THAT(text_of(started.error()), HasSubstr("cannot write log file"));
}

TEST_F(LoggingTest, lines_of_many_threads_stay_whole) {
  ASSERT_TRUE(ok(start_logging(config, ConsoleLog::none, folder / "log")));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) log::info("begin {} end", std::string(50, 'x'));
    });
  }
  for (auto& thread : threads) thread.join();
  stop_logging();
  std::istringstream lines(written());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, Matches("20[0-9TZ:.-]* info    begin x* end"));
  }
  EXPECT_EQ(count, 800);
}

}  // namespace
}  // namespace rdpmend
