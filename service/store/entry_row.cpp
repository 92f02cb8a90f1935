#include "service/store/entry_row.hpp"

#include "agent-lib/support/time.hpp"

namespace rdpmend {

EntryColumns columns_of(const v1::JournalEntry& entry) {
  return {static_cast<std::int64_t>(entry.incident_id()), from_proto(entry.time()).time_since_epoch().count(),
          entry.body_case()};
}

Status insert_entry(sqlite::Statement& insert, const v1::StoredEntry& stored, const v1::JournalEntry& entry) {
  const auto columns = columns_of(entry);
  insert.bind(1, static_cast<std::int64_t>(stored.seq()));
  insert.bind(2, columns.incident_id);
  insert.bind(3, columns.time);
  insert.bind(4, columns.kind);
  insert.bind_blob(5, stored.previous_hash());
  insert.bind_blob(6, stored.hash());
  insert.bind_blob(7, stored.content());
  return insert.run();
}

v1::StoredEntry stored_of(const sqlite::Statement& row) {
  v1::StoredEntry stored;
  stored.set_seq(static_cast<std::uint64_t>(row.integer(0)));
  stored.set_previous_hash(std::string(row.bytes(1)));
  stored.set_hash(std::string(row.bytes(2)));
  stored.set_content(std::string(row.bytes(3)));
  return stored;
}

}  // namespace rdpmend
