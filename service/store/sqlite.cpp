#include "service/store/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace rdpmend::sqlite {

namespace {

constexpr char k_free_space[] = "Free space on the disk that holds the file.";

struct Translation {
  ErrorCode code;
  const char* hint;
};

// https://www.sqlite.org/rescode.html; by primary code, except where an extended one says more.
Translation translate(int extended) {
  switch (extended & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {ErrorCode::unavailable, "Another process has the file open; stop it and try again."};
    case SQLITE_FULL: return {ErrorCode::exhausted, k_free_space};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      // A rollback journal that only a writer may apply: the file is not as we leave ours, not a matter of access.
      if (extended == SQLITE_READONLY_ROLLBACK) return {ErrorCode::corrupt, ""};
      return {ErrorCode::denied, "Give the service's account access to the file and its folder."};
    case SQLITE_CANTOPEN:
      return {ErrorCode::denied, "Check that the folder exists and that the service's account may read and write it."};
    case SQLITE_IOERR:
      // The index of the write-ahead log could not grow.
      if (extended == SQLITE_IOERR_SHMSIZE) return {ErrorCode::exhausted, k_free_space};
      return {ErrorCode::unavailable, "Check the disk that holds the file."};
    case SQLITE_NOMEM: return {ErrorCode::exhausted, "The machine is out of memory."};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {ErrorCode::corrupt, ""};
    case SQLITE_INTERRUPT: return {ErrorCode::cancelled, ""};
    // Ours is the only SQL here: a statement that does not fit the tables means that the tables are not ours.
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT: return {ErrorCode::corrupt, ""};
    default: return {ErrorCode::internal, ""};
  }
}

Error error_of(int code, std::string_view message) {
  const auto translation = translate(code);
  return Error{translation.code, std::string(message), translation.hint, OsError{"sqlite", code}};
}

Error last_error(sqlite3* database) {
  return error_of(sqlite3_extended_errcode(database), sqlite3_errmsg(database));
}

int flags_of(Access access) {
  // NOMUTEX: a connection is used by one thread at a time.
  switch (access) {
    case Access::read: return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    case Access::write: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    case Access::create: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  }
  return 0;
}

std::string utf8(const std::filesystem::path& path) {
  const auto text = path.u8string();
  return {text.begin(), text.end()};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

// Binding fails only for a parameter that does not exist or without memory; both show as a constraint or error in step.
void Statement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), parameter, value);
}

void Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(handle_.get(), parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
}

void Statement::bind_text(int parameter, std::string_view text) {
  sqlite3_bind_text64(handle_.get(), parameter, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

Result<bool> Statement::step() {
  switch (sqlite3_step(handle_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return fail(last_error(sqlite3_db_handle(handle_.get())));
  }
}

Status Statement::run() {
  const auto row = step();
  reset();
  if (!row) return fail(row.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Result<Database> Database::open(const std::filesystem::path& file, Access access) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(utf8(file).c_str(), &raw, flags_of(access), nullptr);
  Database database;
  database.handle_.reset(raw);
  if (code != SQLITE_OK) return fail(raw == nullptr ? error_of(code, sqlite3_errstr(code)) : last_error(raw));

  sqlite3_extended_result_codes(raw, 1);
  // The file may have been tampered with: its schema may not run functions, and no SQL may write its pages directly.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (access == Access::read) sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database.set_busy_timeout(k_busy_timeout);
  // SQLite quietly opens a file read-only if it cannot write it.
  if (access != Access::read && sqlite3_db_readonly(raw, "main") == 1) {
    return fail(error_of(SQLITE_READONLY, "the file cannot be written"));
  }
  return database;
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail(last_error(handle_.get()));
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return fail(last_error(handle_.get()));
  Statement statement;
  statement.handle_.reset(raw);
  return statement;
}

Result<std::int64_t> Database::integer(const std::string& sql) const {
  auto statement = prepare(sql);
  if (!statement) return fail(statement.error());
  const auto row = statement->step();
  if (!row) return fail(row.error());
  return *row ? statement->integer(0) : 0;
}

Result<std::string> Database::text(const std::string& sql) const {
  auto statement = prepare(sql);
  if (!statement) return fail(statement.error());
  const auto row = statement->step();
  if (!row) return fail(row.error());
  return *row ? std::string(statement->bytes(0)) : std::string{};
}

void Database::set_busy_timeout(std::chrono::milliseconds timeout) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(timeout.count()));
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
  const auto begun = database.execute(kind == Kind::immediate ? "BEGIN IMMEDIATE" : "BEGIN");
  if (!begun) return fail(begun.error());
  return Transaction(database);
}

Transaction::~Transaction() {
  // After some errors, a full disk for one, SQLite has already rolled back:
  // https://www.sqlite.org/lang_transaction.html
  if (database_ != nullptr && database_->in_transaction()) (void)database_->execute("ROLLBACK");
}

Status Transaction::commit() {
  return database_->execute("COMMIT");
}

}  // namespace rdpmend::sqlite
