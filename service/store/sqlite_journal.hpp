// The journal on SQLite: one writer that is durable before it returns, and readers that never wait for it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent-lib/record/journal.hpp"
#include "rdpmend/v1/config.pb.h"

namespace rdpmend {

struct OpenedJournal;

class SqliteJournal : public Journal {
 public:
  // Opens or creates the journal and owns it until destruction: a second owner gets `unavailable`.
  // A damaged or foreign file is set aside untouched and a new journal begun; an error is only what an administrator
  // must solve first (access denied, disk full, in use, written by another version). `config` with defaults filled in.
  static Result<OpenedJournal> open(const std::filesystem::path& file, const v1::JournalConfig& config);
  ~SqliteJournal() override;

  Status append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) override;
  Result<std::vector<v1::StoredEntry>> read_stored(std::uint64_t after_seq, std::size_t max,
                                                   std::uint64_t incident_id = 0) const override;
  Result<std::optional<v1::JournalEntry>> last_checkpoint() const override;
  Result<std::map<std::string, std::string>> bookmarks() const override;
  JournalRange range() const override;  // bytes: the file and its write-ahead log.
  bool wants_pruning(WallTime now) const override;
  Status prune(WallTime now, std::uint64_t keep_from_seq) override;
  // The listener must not call the journal's writing functions. nullptr removes it, and waits for a call in progress.
  void set_listener(std::function<void(std::uint64_t)> listener) override;

  // What the last append failed with, until one succeeds.
  std::optional<Error> trouble() const;
  // Called when appends begin to fail, on the appending thread; must return at once. nullptr removes it, and waits for
  // a call in progress.
  void set_on_trouble(std::function<void()> on_trouble);

  // Walks the whole hash chain: where and how it breaks first; empty: it holds. One walk at a time, else `unavailable`.
  Result<std::string> verify_chain(const std::stop_token& stop = {}) const;

 private:
  class Impl;
  explicit SqliteJournal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct OpenedJournal {
  std::unique_ptr<SqliteJournal> journal;
  std::string degraded;  // What was set aside, why, where, and what to do. Empty: nothing was.
};

}  // namespace rdpmend
