// The journal as the engine sees it. service/store keeps it in SQLite, sim in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

struct Bookmark {
  std::string channel;
  std::string text;
};

struct JournalRange {
  std::uint64_t first_seq = 0;  // 0: the journal is empty.
  std::uint64_t last_seq = 0;
  std::uint64_t bytes = 0;
};

// Thread-safe.
class Journal {
 public:
  virtual ~Journal() = default;

  // Appends all entries and the bookmark, or nothing; durable when it returns. Completes each entry with its number,
  // and one that opens an incident with the incident's id, which is that number.
  virtual Status append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) = 0;

  // Entries with seq > after_seq in order, at most `max`; only those about an incident if incident_id is not 0.
  Result<std::vector<v1::JournalEntry>> read(std::uint64_t after_seq, std::size_t max,
                                             std::uint64_t incident_id = 0) const;
  // The same as they are kept, byte for byte: for whoever checks the chain or hands it on.
  virtual Result<std::vector<v1::StoredEntry>> read_stored(std::uint64_t after_seq, std::size_t max,
                                                           std::uint64_t incident_id = 0) const = 0;
  // The newest entry that is a Checkpoint, if there is one.
  virtual Result<std::optional<v1::JournalEntry>> last_checkpoint() const = 0;
  virtual Result<std::map<std::string, std::string>> bookmarks() const = 0;
  virtual JournalRange range() const = 0;

  // True if age or size asks for pruning. The engine then appends a Checkpoint and calls prune.
  virtual bool wants_pruning(WallTime now) const = 0;
  // Removes what is too old or too much, never anything from keep_from_seq on; records it with a Pruned entry.
  virtual Status prune(WallTime now, std::uint64_t keep_from_seq) = 0;

  // Called after each append, on the appending thread, with the newest seq; must return at once.
  virtual void set_listener(std::function<void(std::uint64_t)> listener) = 0;
};

}  // namespace rdpmend
