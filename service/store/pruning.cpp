#include "service/store/pruning.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_between_age_checks = std::chrono::hours{24};
// Entries are old only by a clock that has been at it for a day: one that leaps ahead (a fault that we look for) must
// not take the record with it before somebody sets it right.
constexpr Duration k_trusted_span = std::chrono::hours{24};
constexpr auto k_checkpoint_wait = std::chrono::milliseconds{1000};

std::int64_t stamp(WallTime time) {
  return time.time_since_epoch().count();
}

Result<std::int64_t> integer(const sqlite::Database& database, std::string_view sql, std::int64_t parameter) {
  auto statement = database.prepare(sql);
  if (!statement) return fail(statement.error());
  statement->bind(1, parameter);
  const auto row = statement->step();
  if (!row) return fail(row.error());
  return *row ? statement->integer(0) : 0;
}

// Times may go back where the clock was set: only an unbroken run of old entries from the oldest on is removed.
Result<std::int64_t> last_too_old(const sqlite::Database& database, WallTime cutoff) {
  const auto first_kept =
      integer(database, "SELECT seq FROM entries WHERE time>=?1 ORDER BY seq LIMIT 1", stamp(cutoff));
  if (!first_kept || *first_kept == 0) return first_kept;
  const auto since = integer(database, "SELECT time FROM entries WHERE seq=?1", *first_kept);
  if (!since) return since;
  const auto newest = database.integer("SELECT time FROM entries ORDER BY seq DESC LIMIT 1");
  if (!newest) return newest;
  return *newest - *since < k_trusted_span.count() ? 0 : *first_kept - 1;
}

Result<std::int64_t> used_bytes(const sqlite::Database& database) {
  const auto pages = database.integer("PRAGMA page_count");
  const auto free = database.integer("PRAGMA freelist_count");
  const auto size = database.integer("PRAGMA page_size");
  for (const auto* value : {&pages, &free, &size}) {
    if (!*value) return *value;
  }
  return (*pages - *free) * *size;
}

// The oldest entries that together are `share` of all content.
Result<std::int64_t> last_of_share(const sqlite::Database& database, double share) {
  const auto all = database.integer("SELECT total(length(content)) FROM entries");
  if (!all) return all;
  auto rows = database.prepare("SELECT seq, length(content) FROM entries ORDER BY seq");
  if (!rows) return fail(rows.error());
  const double wanted = share * static_cast<double>(*all);
  double sum = 0;
  std::int64_t last = 0;
  while (sum < wanted) {
    const auto row = rows->step();
    if (!row) return fail(row.error());
    if (!*row) break;
    last = rows->integer(0);
    sum += static_cast<double>(rows->integer(1));
  }
  return last;
}

}  // namespace

Result<OldestEntry> find_oldest(const sqlite::Database& database) {
  auto oldest = database.prepare("SELECT seq, time FROM entries ORDER BY seq LIMIT 1");
  if (!oldest) return fail(oldest.error());
  const auto row = oldest->step();
  if (!row) return fail(row.error());
  if (!*row) return OldestEntry{};
  return OldestEntry{static_cast<std::uint64_t>(oldest->integer(0)), oldest->integer(1)};
}

Pruning::Pruning(const v1::JournalConfig& config)
    : max_age_(from_proto(config.max_age())), max_bytes_(config.max_bytes()), due_bytes_(max_bytes_) {}

bool Pruning::due(WallTime now, std::int64_t oldest_time, std::uint64_t bytes) const {
  if (bytes > due_bytes_) return true;
  const bool recently = tried_ && std::chrono::abs(now - *tried_) < k_between_age_checks;
  return !recently && oldest_time < stamp(now - max_age_);
}

Result<std::uint64_t> Pruning::last_to_remove(const sqlite::Database& database, WallTime now,
                                              std::uint64_t keep_from_seq) const {
  if (keep_from_seq <= 1) return 0;
  const auto old = last_too_old(database, now - max_age_);
  if (!old) return fail(old.error());
  const auto used = used_bytes(database);
  if (!used) return fail(used.error());

  // A tenth below the bound, so that the next entry does not ask again.
  const auto target = static_cast<std::int64_t>(max_bytes_ / 10 * 9);
  std::int64_t last = *old;
  if (*used > target) {
    const auto too_much = last_of_share(database, static_cast<double>(*used - target) / static_cast<double>(*used));
    if (!too_much) return fail(too_much.error());
    last = std::max(last, *too_much);
  }
  const auto first = find_oldest(database);
  if (!first) return fail(first.error());
  const auto removable = std::min(static_cast<std::uint64_t>(last), keep_from_seq - 1);
  return removable < first->seq ? 0 : removable;
}

void Pruning::tried(WallTime now, std::uint64_t bytes_after) {
  tried_ = now;
  due_bytes_ = std::max(max_bytes_, bytes_after + max_bytes_ / 10);
}

Result<v1::Pruned> remove_entries(const sqlite::Database& database, std::uint64_t last_seq) {
  const auto last = static_cast<std::int64_t>(last_seq);
  const auto first = find_oldest(database);
  if (!first) return fail(first.error());
  v1::Pruned pruned;
  pruned.set_first_seq(first->seq);
  pruned.set_last_seq(last_seq);
  {
    auto row = database.prepare("SELECT hash FROM entries WHERE seq=?1");
    if (!row) return fail(row.error());
    row->bind(1, last);
    const auto found = row->step();
    if (!found) return fail(found.error());
    if (!*found) return fail(ErrorCode::corrupt, fmt::format("journal entry {} is missing", last_seq));
    pruned.set_last_hash(std::string(row->bytes(0)));
  }
  auto remove = database.prepare("DELETE FROM entries WHERE seq<=?1");
  if (!remove) return fail(remove.error());
  remove->bind(1, last);
  if (const auto removed = remove->run(); !removed) return fail(removed.error());
  return pruned;
}

void give_back_space(sqlite::Database& database) {
  const auto shrunk = database.execute("PRAGMA incremental_vacuum");
  if (!shrunk) log::warning("cannot shrink the journal now: {}", to_string(shrunk.error()));
  // Waits for readers of the old pages. What stays in the log is folded back by later writes.
  database.set_busy_timeout(k_checkpoint_wait);
  (void)database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  database.set_busy_timeout(sqlite::k_busy_timeout);
}

}  // namespace rdpmend
