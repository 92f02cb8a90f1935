// A journal entry as a row of table entries: seq | incident_id | time | kind | previous_hash | hash | content.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/journal.pb.h"
#include "service/store/sqlite.hpp"

namespace rdpmend {

inline constexpr int k_checkpoint_kind = v1::JournalEntry::kCheckpoint;
inline constexpr int k_pruned_kind = v1::JournalEntry::kPruned;

// What the columns beside the stored entry hold; they follow from its content and exist to be searched by.
struct EntryColumns {
  std::int64_t incident_id;  // 0: none.
  std::int64_t time;         // Nanoseconds since 1970.
  std::int64_t kind;         // Field number of the body.
};
EntryColumns columns_of(const v1::JournalEntry& entry);

Status insert_entry(sqlite::Statement& insert, const v1::StoredEntry& stored, const v1::JournalEntry& entry);
inline constexpr char k_insert_entry[] =
    "INSERT INTO entries(seq, incident_id, time, kind, previous_hash, hash, content) VALUES(?1, ?2, ?3, ?4, ?5, ?6, "
    "?7)";

// What a row must begin with to be read as an entry.
inline constexpr std::string_view k_stored_columns = "seq, previous_hash, hash, content";
// Byte for byte what was inserted.
v1::StoredEntry stored_of(const sqlite::Statement& row);

}  // namespace rdpmend
