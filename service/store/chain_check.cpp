#include "service/store/chain_check.hpp"

#include <fmt/format.h>

#include "agent-lib/record/journal_chain.hpp"
#include "service/store/entry_row.hpp"

namespace rdpmend {

namespace {

// What comes before the oldest entry: nothing, or what the last pruning removed, as its entry says.
Result<ChainLink> anchor(const sqlite::Database& database) {
  auto newest = database.prepare(
      fmt::format("SELECT {} FROM entries WHERE kind={} ORDER BY seq DESC LIMIT 1", k_stored_columns, k_pruned_kind));
  if (!newest) return fail(newest.error());
  const auto row = newest->step();
  if (!row) return fail(row.error());
  if (!*row) return ChainLink{};
  const auto entry = read_entry(stored_of(*newest));
  if (!entry) return fail(entry.error());
  return ChainLink{entry->pruned().last_seq(), entry->pruned().last_hash()};
}

Result<ChainLink> link_before(const sqlite::Database& database, std::int64_t seq) {
  auto before = database.prepare(fmt::format("SELECT {} FROM entries WHERE seq=?1", k_stored_columns));
  if (!before) return fail(before.error());
  before->bind(1, seq - 1);
  const auto row = before->step();
  if (!row) return fail(row.error());
  if (!*row) return anchor(database);
  return link_of(stored_of(*before));
}

// A body that this version does not know is filed under a kind that this version does not know.
bool is_kind_of(std::int64_t kind, const EntryColumns& columns) {
  if (columns.kind != v1::JournalEntry::BODY_NOT_SET) return kind == columns.kind;
  return v1::JournalEntry::descriptor()->FindFieldByNumber(static_cast<int>(kind)) == nullptr;
}

// What is wrong with the entry of this row, given the one before; empty: nothing, and `last` moves on.
std::string check_row(const sqlite::Statement& row, ChainLink& last) {
  const auto stored = stored_of(row);
  if (auto problem = check_link(stored, last); !problem.empty()) return problem;
  const auto entry = read_entry(stored);
  if (!entry) return fmt::format("entry {} is damaged", stored.seq());
  const auto columns = columns_of(*entry);
  if (columns.incident_id != row.integer(4) || columns.time != row.integer(5) || !is_kind_of(row.integer(6), columns))
    return fmt::format("entry {} is filed wrongly: incident, time or kind differ from what it says", stored.seq());
  return {};
}

Result<std::string> walk(sqlite::Database& database, std::uint64_t at_most, const std::stop_token& stop) {
  const auto first = database.integer("SELECT min(seq) FROM entries");
  const auto newest = database.integer("SELECT max(seq) FROM entries");
  if (!first) return fail(first.error());
  if (!newest) return fail(newest.error());
  if (*newest == 0) return std::string{};

  std::int64_t from = *first;
  if (static_cast<std::uint64_t>(*newest - *first) >= at_most) from = *newest - static_cast<std::int64_t>(at_most) + 1;
  auto last = link_before(database, from);
  if (!last) return fail(std::move(last).error());
  auto rows = database.prepare(
      fmt::format("SELECT {}, incident_id, time, kind FROM entries WHERE seq>=?1 ORDER BY seq", k_stored_columns));
  if (!rows) return fail(rows.error());
  rows->bind(1, from);
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "the service is stopping", "Try again when it runs.");
    const auto row = rows->step();
    if (!row) return fail(row.error());
    if (!*row) return std::string{};
    if (auto problem = check_row(*rows, *last); !problem.empty()) return problem;
  }
}

}  // namespace

Result<std::string> check_chain(sqlite::Database& database, std::uint64_t at_most, const std::stop_token& stop) {
  // One snapshot: entries appended or pruned meanwhile do not disturb the walk.
  auto snapshot = sqlite::Transaction::begin(database, sqlite::Transaction::Kind::deferred);
  if (!snapshot) return fail(snapshot.error());
  auto problem = walk(database, at_most, stop);
  // A page or an entry that cannot be read is a break of the chain, not a failure to check it.
  if (!problem && problem.error().code == ErrorCode::corrupt) return std::move(problem).error().what;
  return problem;
}

}  // namespace rdpmend
