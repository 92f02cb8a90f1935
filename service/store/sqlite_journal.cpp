#include "service/store/sqlite_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <utility>

#include "agent-lib/record/journal_chain.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/store/chain_check.hpp"
#include "service/store/entry_row.hpp"
#include "service/store/journal_file.hpp"
#include "service/store/pruning.hpp"
#include "service/store/reader_pool.hpp"

namespace rdpmend {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t k_page_bytes = 4096;

// What the next entry is chained to.
Result<ChainLink> read_end(const sqlite::Database& database) {
  auto newest = database.prepare(fmt::format("SELECT {} FROM entries ORDER BY seq DESC LIMIT 1", k_stored_columns));
  if (!newest) return fail(newest.error());
  const auto row = newest->step();
  if (!row) return fail(row.error());
  if (!*row) return ChainLink{};
  return link_of(stored_of(*newest));
}

void unseal(std::vector<v1::JournalEntry>& entries) {
  for (auto& entry : entries) {
    entry.clear_seq();
    if (entry.has_incident_opened()) entry.clear_incident_id();
  }
}

// The write-ahead log counts against the bound too: it is folded back into the database before it is a large part of
// it.
std::string keep_log_small(const v1::JournalConfig& config) {
  const auto pages =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(config.max_bytes() / 16) / k_page_bytes, 16, 1000);
  return fmt::format("PRAGMA wal_autocheckpoint={}; PRAGMA journal_size_limit={};", pages, pages * k_page_bytes);
}

Result<std::vector<v1::StoredEntry>> entries_of(sqlite::Statement& rows) {
  std::vector<v1::StoredEntry> entries;
  for (;;) {
    const auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) return entries;
    entries.push_back(stored_of(rows));
  }
}

}  // namespace

class SqliteJournal::Impl {
 public:
  // Members are destroyed from the last to the first: readers, writer (which folds the log back), then the ownership.
  Impl(fs::path path, const v1::JournalConfig& config, sqlite::Database owned, sqlite::Database database)
      : file(std::move(path)), pruning(config), owner(std::move(owned)), writer(std::move(database)), readers(file) {}

  Status prepare(const v1::JournalConfig& config) {
    if (const auto set = writer.execute(keep_log_small(config)); !set) return set;
    const std::pair<sqlite::Statement*, const char*> statements[] = {
        {&insert, k_insert_entry},
        {&mark, "INSERT INTO bookmarks(channel, text) VALUES(?1, ?2) ON CONFLICT(channel) DO UPDATE SET text=?2"}};
    for (const auto& [statement, sql] : statements) {
      auto prepared = writer.prepare(sql);
      if (!prepared) return fail(prepared.error());
      *statement = std::move(*prepared);
    }
    auto found = read_end(writer);
    if (!found) return fail(found.error());
    end = std::move(*found);
    last_seq = end.seq;
    return read_oldest();
  }

  Status read_oldest() {
    const auto found = find_oldest(writer);
    if (!found) return fail(found.error());
    first_seq = found->seq;
    oldest_time = found->time;
    return {};
  }

  // One transaction; the end moves on only when it is durable.
  Status write(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) {
    auto transaction = sqlite::Transaction::begin(writer, sqlite::Transaction::Kind::immediate);
    if (!transaction) return fail(transaction.error());
    ChainLink next = end;
    for (auto& entry : entries) {
      if (const auto added = add(entry, next); !added) return added;
    }
    if (bookmark) {
      mark.bind_text(1, bookmark->channel);
      mark.bind_text(2, bookmark->text);
      if (const auto marked = mark.run(); !marked) return marked;
    }
    if (const auto committed = transaction->commit(); !committed) return committed;
    if (first_seq == 0 && !entries.empty()) {
      first_seq = entries.front().seq();
      oldest_time = columns_of(entries.front()).time;
    }
    end = std::move(next);
    last_seq = end.seq;
    return {};
  }

  Status add(v1::JournalEntry& entry, ChainLink& last) {
    const auto sealed = seal_entry(entry, last);
    if (!sealed) return fail(sealed.error());
    last = link_of(*sealed);
    return insert_entry(insert, *sealed, entry);
  }

  // Removes up to `last` and says so, in one transaction.
  Status remove_up_to(std::uint64_t last, WallTime now) {
    auto transaction = sqlite::Transaction::begin(writer, sqlite::Transaction::Kind::immediate);
    if (!transaction) return fail(transaction.error());
    auto record = remove_entries(writer, last);
    if (!record) return fail(record.error());
    v1::JournalEntry entry;
    *entry.mutable_time() = to_proto(now);
    *entry.mutable_pruned() = std::move(*record);
    ChainLink next = end;
    if (const auto added = add(entry, next); !added) return added;
    first_seq = last + 1;  // Before readers can see that they are gone: a watcher would miss them without a word.
    if (const auto committed = transaction->commit(); !committed) {
      (void)read_oldest();  // The commit's error says more.
      return committed;
    }
    end = std::move(next);
    last_seq = end.seq;
    return read_oldest();
  }

  void notify() {
    const std::lock_guard lock(listener_mutex);
    if (listener) listener(last_seq);
  }

  void ended(const Status& appended) {
    const std::lock_guard lock(trouble_mutex);
    const bool begins = !appended && !trouble;
    trouble = appended ? std::nullopt : std::optional(appended.error());
    if (begins && on_trouble) on_trouble();
  }

  const fs::path file;
  Pruning pruning;  // Under writer_mutex, as all down to `mark`.
  sqlite::Database owner;
  std::mutex writer_mutex;
  sqlite::Database writer;
  ChainLink end;
  sqlite::Statement insert;
  sqlite::Statement mark;

  // Written under writer_mutex, read by anybody.
  std::atomic<std::uint64_t> first_seq{0};
  std::atomic<std::uint64_t> last_seq{0};
  std::atomic<std::int64_t> oldest_time{0};

  std::mutex listener_mutex;
  std::function<void(std::uint64_t)> listener;
  std::mutex trouble_mutex;
  std::optional<Error> trouble;
  std::function<void()> on_trouble;
  std::mutex verify_mutex;
  mutable ReaderPool readers;
};

SqliteJournal::SqliteJournal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteJournal::~SqliteJournal() = default;

Result<OpenedJournal> SqliteJournal::open(const fs::path& file, const v1::JournalConfig& config) {
  const auto doing = [&](const Error& error) {
    return Error(error).context(fmt::format("cannot open journal {}", to_utf8(file)));
  };
  auto owner = own_journal(file);
  if (!owner) return fail(owner.error());

  OpenedJournal opened;
  const auto damage = find_damage(file);
  if (!damage) return fail(doing(damage.error()));
  if (!damage->empty()) {
    const auto moved = set_aside(file);
    if (!moved) return fail(doing(moved.error()));
    opened.degraded = fmt::format(
        "The journal {} could not be used: {}. It was set aside untouched as {} and a new journal was begun, which "
        "knows "
        "nothing of earlier incidents, repairs and event positions. Look into what happened to the file, keep it as "
        "long "
        "as the record matters, then remove it.",
        to_utf8(file), *damage, to_utf8(*moved));
  }

  auto writer = open_or_create(file);
  if (!writer) return fail(doing(writer.error()));
  auto impl = std::make_unique<Impl>(file, config, std::move(*owner), std::move(*writer));
  if (const auto ready = impl->prepare(config); !ready) return fail(doing(ready.error()));
  opened.journal.reset(new SqliteJournal(std::move(impl)));
  return opened;
}

Status SqliteJournal::append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) {
  if (entries.empty() && !bookmark) return {};
  Status written;
  {
    const std::lock_guard lock(impl_->writer_mutex);
    written = impl_->write(entries, bookmark);
  }
  impl_->ended(written);
  if (!written) {
    unseal(entries);
    return fail(Error(written.error()).context("cannot write to the journal"));
  }
  if (!entries.empty()) impl_->notify();
  return {};
}

Result<std::vector<v1::StoredEntry>> SqliteJournal::read_stored(std::uint64_t after_seq, std::size_t max,
                                                                std::uint64_t incident_id) const {
  constexpr std::uint64_t k_most = std::numeric_limits<std::int64_t>::max();
  if (after_seq >= k_most || incident_id > k_most) return std::vector<v1::StoredEntry>{};
  auto reader = impl_->readers.borrow();
  if (!reader) return fail(reader.error());
  auto& rows = incident_id == 0 ? (*reader)->page : (*reader)->incident_page;
  const sqlite::ResetGuard guard(rows);
  rows.bind(1, static_cast<std::int64_t>(after_seq));
  rows.bind(2, static_cast<std::int64_t>(std::min<std::uint64_t>(max, k_most)));
  if (incident_id != 0) rows.bind(3, static_cast<std::int64_t>(incident_id));
  auto entries = entries_of(rows);
  if (!entries) return fail(Error(entries.error()).context("cannot read the journal"));
  return entries;
}

Result<std::optional<v1::JournalEntry>> SqliteJournal::last_checkpoint() const {
  auto reader = impl_->readers.borrow();
  if (!reader) return fail(reader.error());
  const sqlite::ResetGuard guard((*reader)->checkpoint);
  auto entries = entries_of((*reader)->checkpoint);
  if (!entries) return fail(Error(entries.error()).context("cannot read the journal"));
  if (entries->empty()) return std::nullopt;
  auto entry = read_entry(entries->front());
  if (!entry) return fail(std::move(entry).error().context("cannot read the journal"));
  return std::move(*entry);
}

Result<std::map<std::string, std::string>> SqliteJournal::bookmarks() const {
  auto reader = impl_->readers.borrow();
  if (!reader) return fail(reader.error());
  auto& rows = (*reader)->bookmarks;
  const sqlite::ResetGuard guard(rows);
  std::map<std::string, std::string> bookmarks;
  for (;;) {
    const auto row = rows.step();
    if (!row) return fail(Error(row.error()).context("cannot read the journal"));
    if (!*row) return bookmarks;
    bookmarks.emplace(rows.bytes(0), rows.bytes(1));
  }
}

JournalRange SqliteJournal::range() const {
  return {impl_->first_seq, impl_->last_seq, bytes_on_disk(impl_->file)};
}

bool SqliteJournal::wants_pruning(WallTime now) const {
  const auto bytes = bytes_on_disk(impl_->file);
  const std::lock_guard lock(impl_->writer_mutex);
  return impl_->first_seq != 0 && impl_->pruning.due(now, impl_->oldest_time, bytes);
}

Status SqliteJournal::prune(WallTime now, std::uint64_t keep_from_seq) {
  std::uint64_t last = 0;
  {
    const std::lock_guard lock(impl_->writer_mutex);
    const auto found = impl_->pruning.last_to_remove(impl_->writer, now, keep_from_seq);
    auto done = found ? Status{} : Status(fail(found.error()));
    if (found) last = *found;
    if (done && last != 0) done = impl_->remove_up_to(last, now);
    if (done) give_back_space(impl_->writer);
    impl_->pruning.tried(now, bytes_on_disk(impl_->file));
    if (!done) return fail(Error(done.error()).context("cannot prune the journal"));
  }
  if (last != 0) impl_->notify();
  return {};
}

std::optional<Error> SqliteJournal::trouble() const {
  const std::lock_guard lock(impl_->trouble_mutex);
  return impl_->trouble;
}

void SqliteJournal::set_on_trouble(std::function<void()> on_trouble) {
  const std::lock_guard lock(impl_->trouble_mutex);
  impl_->on_trouble = std::move(on_trouble);
}

void SqliteJournal::set_listener(std::function<void(std::uint64_t)> listener) {
  const std::lock_guard lock(impl_->listener_mutex);
  impl_->listener = std::move(listener);
}

Result<std::string> SqliteJournal::verify_chain(const std::stop_token& stop) const {
  const std::unique_lock lock(impl_->verify_mutex, std::try_to_lock);
  if (!lock.owns_lock()) {
    return fail(ErrorCode::unavailable, "the journal is being verified already", "Try again when that is done.");
  }
  auto database = sqlite::Database::open(impl_->file, sqlite::Access::read);
  if (!database) return fail(Error(database.error()).context("cannot verify the journal"));
  return check_chain(*database, std::numeric_limits<std::int64_t>::max(), stop);
}

}  // namespace rdpmend
