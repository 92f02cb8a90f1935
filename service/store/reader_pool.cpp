#include "service/store/reader_pool.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "service/store/entry_row.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_readers = 4;
constexpr auto k_borrow_deadline = std::chrono::seconds{10};

Result<std::unique_ptr<Reader>> make_reader(const std::filesystem::path& file) {
  auto database = sqlite::Database::open(file, sqlite::Access::read);
  if (!database) return fail(database.error());
  auto reader = std::make_unique<Reader>();
  reader->database = std::move(*database);
  // A reader sees each page once: a small cache is enough. In KiB.
  if (const auto set = reader->database.execute("PRAGMA cache_size=-256"); !set) return fail(set.error());

  const auto select = fmt::format("SELECT {} FROM entries", k_stored_columns);
  const std::pair<sqlite::Statement*, std::string> statements[] = {
      {&reader->page, select + " WHERE seq>?1 ORDER BY seq LIMIT ?2"},
      // "<>0" is what lets SQLite use the partial index: https://www.sqlite.org/partialindex.html
      {&reader->incident_page, select + " WHERE incident_id=?3 AND incident_id<>0 AND seq>?1 ORDER BY seq LIMIT ?2"},
      {&reader->checkpoint, select + fmt::format(" WHERE kind={} ORDER BY seq DESC LIMIT 1", k_checkpoint_kind)},
      {&reader->bookmarks, "SELECT channel, text FROM bookmarks"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = reader->database.prepare(sql);
    if (!prepared) return fail(prepared.error());
    *statement = std::move(*prepared);
  }
  return reader;
}

}  // namespace

Result<ReaderPool::Lease> ReaderPool::borrow() {
  {
    std::unique_lock lock(mutex_);
    const bool free = returned_.wait_for(lock, k_borrow_deadline, [this] { return lent_ < k_max_readers; });
    if (!free) {
      return fail(ErrorCode::unavailable, "the journal has too many readers at the moment", "Try again later.");
    }
    ++lent_;
    if (!idle_.empty()) {
      Lease lease(idle_.back().release(), Return{this});
      idle_.pop_back();
      return lease;
    }
  }
  auto made = make_reader(file_);
  if (!made) {
    const std::lock_guard lock(mutex_);
    --lent_;
    returned_.notify_all();
    return fail(made.error());
  }
  return Lease(made->release(), Return{this});
}

void ReaderPool::Return::operator()(Reader* reader) const {
  const std::lock_guard lock(pool->mutex_);
  pool->idle_.emplace_back(reader);
  --pool->lent_;
  pool->returned_.notify_all();
}

}  // namespace rdpmend
