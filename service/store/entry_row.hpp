// A journal entry as a row of table entries: seq | incident_id | time | kind | payload (the whole entry, serialized).
#pragma once

#include <cstdint>
#include <string>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/journal.pb.h"
#include "service/store/sqlite.hpp"

namespace rdpmend {

inline constexpr int k_checkpoint_kind = v1::JournalEntry::kCheckpoint;
inline constexpr int k_pruned_kind = v1::JournalEntry::kPruned;

// What the columns beside the payload hold; they follow from the entry and exist to be searched by.
struct EntryColumns {
  std::int64_t seq;
  std::int64_t incident_id;  // An incident is named after the entry that opens it, which so belongs to it too. 0: none.
  std::int64_t time;         // Nanoseconds since 1970.
  std::int64_t kind;         // Field number of the body.
};
EntryColumns columns_of(const v1::JournalEntry& entry);

Status insert_entry(sqlite::Statement& insert, const v1::JournalEntry& entry);
inline constexpr char k_insert_entry[] =
    "INSERT INTO entries(seq, incident_id, time, kind, payload) VALUES(?1, ?2, ?3, ?4, ?5)";

// Of a row whose first columns are seq and payload. corrupt: it cannot be read, or is not the entry of that number.
Result<v1::JournalEntry> entry_of(const sqlite::Statement& row);

}  // namespace rdpmend
