#include "service/store/entry_row.hpp"

#include <fmt/format.h>

#include "agent-lib/support/time.hpp"

namespace rdpmend {

EntryColumns columns_of(const v1::JournalEntry& entry) {
  const auto incident = entry.has_incident_opened() ? entry.seq() : entry.incident_id();
  return {static_cast<std::int64_t>(entry.seq()), static_cast<std::int64_t>(incident),
          from_proto(entry.time()).time_since_epoch().count(), entry.body_case()};
}

Status insert_entry(sqlite::Statement& insert, const v1::JournalEntry& entry) {
  const auto columns = columns_of(entry);
  const std::string payload = entry.SerializeAsString();
  // protobuf writes text that is not UTF-8, and refuses to read it: one such entry would cost the whole journal.
  if (v1::JournalEntry again; !again.ParseFromString(payload))
    return fail(ErrorCode::internal, "an entry could not be read back and was not journalled", "Please report this.");
  insert.bind(1, columns.seq);
  insert.bind(2, columns.incident_id);
  insert.bind(3, columns.time);
  insert.bind(4, columns.kind);
  insert.bind_blob(5, payload);
  return insert.run();
}

Result<v1::JournalEntry> entry_of(const sqlite::Statement& row) {
  const auto seq = row.integer(0);
  const auto payload = row.bytes(1);
  v1::JournalEntry entry;
  if (!entry.ParseFromArray(payload.data(), static_cast<int>(payload.size())) ||
      entry.seq() != static_cast<std::uint64_t>(seq)) {
    return fail(ErrorCode::corrupt, fmt::format("journal entry {} is damaged", seq));
  }
  return entry;
}

}  // namespace rdpmend
