// A few read-only connections to the journal, lent to one caller at a time: readers wait for each other, never for a
// write.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/steady_condition.hpp"
#include "service/store/sqlite.hpp"

namespace rdpmend {

struct Reader {
  sqlite::Database database;
  sqlite::Statement page;           // seq > ?1, at most ?2
  sqlite::Statement incident_page;  // The same of incident ?3
  sqlite::Statement checkpoint;
  sqlite::Statement bookmarks;
};

// Thread-safe.
class ReaderPool {
 public:
  explicit ReaderPool(std::filesystem::path file) : file_(std::move(file)) {}

  // unavailable: all are busy and stay so.
  struct Return {
    ReaderPool* pool = nullptr;
    void operator()(Reader* reader) const;
  };
  using Lease = std::unique_ptr<Reader, Return>;
  Result<Lease> borrow();

 private:
  const std::filesystem::path file_;
  std::mutex mutex_;
  SteadyCondition returned_;
  std::vector<std::unique_ptr<Reader>> idle_;
  std::size_t lent_ = 0;
};

}  // namespace rdpmend
