// What the tests of the journal share.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent-lib/support/time.hpp"
#include "service/config/config.hpp"
#include "service/store/sqlite_journal.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend {

inline constexpr WallTime k_noon = std::chrono::sys_days{std::chrono::year{2026} / 8 / 2} + std::chrono::hours{12};

inline std::string text_of(const Error& error) {
  return to_string(error);
}

// ASSERT_TRUE(ok(x)) prints the error.
template <class T>
testing::AssertionResult ok(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << text_of(result.error());
}

inline v1::JournalEntry note(const std::string& what, std::uint64_t incident_id = 0, WallTime time = k_noon) {
  v1::JournalEntry entry;
  *entry.mutable_time() = to_proto(time);
  entry.set_incident_id(incident_id);
  entry.mutable_internal_error()->set_where("test");
  entry.mutable_internal_error()->set_what(what);
  return entry;
}

inline v1::JournalEntry opening(const std::string& fault) {
  v1::JournalEntry entry;
  *entry.mutable_time() = to_proto(k_noon);
  entry.set_fault_id(fault);
  entry.mutable_incident_opened()->mutable_diagnosis()->set_fault_id(fault);
  return entry;
}

inline v1::JournalEntry checkpoint(std::uint32_t failures) {
  v1::JournalEntry entry;
  *entry.mutable_time() = to_proto(k_noon);
  entry.mutable_checkpoint()->set_failures_in_a_row(failures);
  return entry;
}

inline Status append_one(Journal& journal, v1::JournalEntry entry, const std::optional<Bookmark>& bookmark = {}) {
  std::vector<v1::JournalEntry> entries{std::move(entry)};
  return journal.append(entries, bookmark);
}

inline std::unique_ptr<SqliteJournal> open_journal(const std::filesystem::path& file,
                                                   const v1::JournalConfig& config = default_config().journal()) {
  auto opened = SqliteJournal::open(file, config);
  EXPECT_TRUE(ok(opened));
  if (!opened) return nullptr;
  EXPECT_EQ(opened->degraded, "");
  return std::move(opened->journal);
}

inline std::vector<std::string> words_of(const std::vector<v1::JournalEntry>& entries) {
  std::vector<std::string> words;
  for (const auto& entry : entries) words.push_back(entry.internal_error().what());
  return words;
}

inline std::string chain_problem(const SqliteJournal& journal) {
  const auto verified = journal.verify_chain();
  return verified ? *verified : text_of(verified.error());
}

}  // namespace rdpmend
