// Keeps the journal within its age and size: when to remove, how much, and how the room comes back to the disk.
#pragma once

#include <cstdint>
#include <optional>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/config.pb.h"
#include "rdpmend/v1/journal.pb.h"
#include "service/store/sqlite.hpp"

namespace rdpmend {

struct OldestEntry {
  std::uint64_t seq = 0;  // 0: the journal is empty.
  std::int64_t time = 0;  // Nanoseconds since 1970.
};
Result<OldestEntry> find_oldest(const sqlite::Database& database);

class Pruning {
 public:
  explicit Pruning(const v1::JournalConfig& config);

  bool due(WallTime now, std::int64_t oldest_time, std::uint64_t bytes) const;
  // The newest entry that has to go, before keep_from_seq. 0: none.
  Result<std::uint64_t> last_to_remove(const sqlite::Database& database, WallTime now,
                                       std::uint64_t keep_from_seq) const;
  // What could not be removed now is not tried again at once: each try costs the engine a checkpoint.
  void tried(WallTime now, std::uint64_t bytes_after);

 private:
  Duration max_age_;
  std::uint64_t max_bytes_;
  std::uint64_t due_bytes_;
  std::optional<WallTime> tried_;
};

// In the caller's transaction. The answer is what the journal must say about it.
Result<v1::Pruned> remove_entries(const sqlite::Database& database, std::uint64_t last_seq);

// Shrinks the file and its write-ahead log; as far as readers let it, the rest another time.
void give_back_space(sqlite::Database& database);

}  // namespace rdpmend
