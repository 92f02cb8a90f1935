// A journal in memory, for tests: same numbering and hash chain as the real one, and can stop the world after any
// append.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "agent-lib/record/journal.hpp"

namespace rdpmend::sim {

class MemoryJournal : public Journal {
 public:
  MemoryJournal();
  ~MemoryJournal() override;

  Status append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) override;
  Result<std::vector<v1::StoredEntry>> read_stored(std::uint64_t after_seq, std::size_t max,
                                                   std::uint64_t incident_id = 0) const override;
  Result<std::optional<v1::JournalEntry>> last_checkpoint() const override;
  Result<std::map<std::string, std::string>> bookmarks() const override;
  JournalRange range() const override;
  bool wants_pruning(WallTime now) const override;
  Status prune(WallTime now, std::uint64_t keep_from_seq) override;
  void set_listener(std::function<void(std::uint64_t)> listener) override;

  // Throws sim::Crash after the n-th append from now has become durable (1-based). 0: never.
  void crash_after_append(std::uint64_t n);
  // Appends fail with this error until it is cleared, as on a full disk.
  void fail_appends(std::optional<Error> error);
  void want_pruning(bool want);
  std::uint64_t appends() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rdpmend::sim
