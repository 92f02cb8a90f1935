// SQLite as values: a connection and a prepared statement that clean up after themselves and fail as Result.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent-lib/support/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace rdpmend::sqlite {

// How long a connection waits for another's lock, unless told otherwise.
inline constexpr std::chrono::milliseconds k_busy_timeout{5000};

// A prepared statement, to be used again and again. Reset before each use and as soon as its rows are read, so that no
// read transaction stays open. Columns count from 0, parameters from 1.
class Statement {
 public:
  Statement() = default;
  void bind(int parameter, std::int64_t value);
  // Not copied: it must live until the statement is reset.
  void bind_blob(int parameter, std::string_view bytes);
  void bind_text(int parameter, std::string_view text);

  // True: there is a row. False: done.
  Result<bool> step();
  // For statements without rows.
  Status run();
  void reset();

  std::int64_t integer(int column) const;
  // Valid until the next step or reset. Text or blob.
  std::string_view bytes(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Resets a statement at the end of a scope.
class ResetGuard {
 public:
  explicit ResetGuard(Statement& statement) : statement_(statement) {}
  ~ResetGuard() { statement_.reset(); }
  ResetGuard(const ResetGuard&) = delete;
  ResetGuard& operator=(const ResetGuard&) = delete;

 private:
  Statement& statement_;
};

enum class Access {
  read,    // Changes no byte of the database, its write-ahead log or a rollback journal, not even when closing.
  write,   // denied if the file cannot be written.
  create,  // The same, made if absent.
};

// One connection, for one thread at a time.
class Database {
 public:
  static Result<Database> open(const std::filesystem::path& file, Access access);

  // One or more statements without results that matter.
  Status execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql) const;
  Result<std::int64_t> integer(const std::string& sql) const;
  Result<std::string> text(const std::string& sql) const;
  // How long to wait for another connection's lock.
  void set_busy_timeout(std::chrono::milliseconds timeout);
  bool in_transaction() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// Rolls back unless committed.
class Transaction {
 public:
  enum class Kind { deferred, immediate };
  static Result<Transaction> begin(Database& database, Kind kind);
  ~Transaction();
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace rdpmend::sqlite
