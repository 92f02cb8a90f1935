#include "service/store/journal_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <chrono>

#include "agent-lib/support/utf8.hpp"
#include "service/store/chain_check.hpp"
#include "service/store/entry_row.hpp"

namespace rdpmend {

namespace fs = std::filesystem;

namespace {

// "rdpm"; in the header of the database, where tools such as file(1) look: https://www.sqlite.org/fileformat2.html
constexpr std::int64_t k_application_id = 0x7264706D;
// Checked at every start; the whole chain is checked on request.
constexpr std::uint64_t k_tail_entries = 1000;
constexpr int k_max_set_aside_at_once = 100;

// The database comes last: without it, a crash between two renames leaves what is found damaged again.
constexpr std::array<const char*, 4> k_suffixes{"-wal", "-shm", "-journal", ""};

// kind: k_checkpoint_kind and k_pruned_kind, the two that are looked for.
const std::string& schema() {
  static const std::string sql = fmt::format(
      "CREATE TABLE entries(seq INTEGER PRIMARY KEY, incident_id INTEGER NOT NULL, time INTEGER NOT NULL,"
      " kind INTEGER NOT NULL, previous_hash BLOB NOT NULL, hash BLOB NOT NULL, content BLOB NOT NULL) STRICT;"
      "CREATE INDEX entries_by_incident ON entries(incident_id, seq) WHERE incident_id<>0;"
      "CREATE INDEX landmarks ON entries(kind, seq) WHERE kind IN ({}, {});"
      "CREATE TABLE bookmarks(channel TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;"
      "PRAGMA application_id={}; PRAGMA user_version={};",
      k_checkpoint_kind, k_pruned_kind, k_application_id, k_journal_format);
  return sql;
}

fs::path with_suffix(const fs::path& file, std::string_view suffix) {
  return fs::path(file) += suffix;
}

Error access_error(const std::error_code& code, std::string what) {
  const bool full = code == std::errc::no_space_on_device;
  return Error{full ? ErrorCode::exhausted : ErrorCode::denied, fmt::format("{}: {}", what, code.message()),
               full ? "Free space on that disk." : "Give the service's account access to the folder.",
               OsError{code.category().name(), code.value()}};
}

// An error of an existing database, sorted: damage is an answer, the rest is an error.
Result<std::string> sort_out(Error error) {
  if (error.code == ErrorCode::corrupt) return fmt::format("it is damaged ({})", error.what);
  return fail(std::move(error));
}

// Not damage, and not for the service to decide: what another version knows of incidents, attempts and dismissals would
// be forgotten without a word.
tl::unexpected<Error> other_format(std::int64_t version) {
  return fail(
      ErrorCode::conflict,
      fmt::format("it is in format {}, of {} version of rdpmend; this one reads and writes format {}", version,
                  version < k_journal_format ? "an older" : "a newer", k_journal_format),
      "Install the version that wrote it; or move the file and what lies beside it under its name (-wal, -shm) to "
      "another folder: a new journal is begun then, which knows nothing of earlier incidents and repairs.");
}

Result<std::string> inspect(const fs::path& file) {
  auto database = sqlite::Database::open(file, sqlite::Access::read);
  if (!database) return sort_out(database.error());
  const auto application = database->integer("PRAGMA application_id");
  if (!application) return sort_out(application.error());
  if (*application != k_application_id) return "it is the database of another program";
  const auto version = database->integer("PRAGMA user_version");
  if (!version) return sort_out(version.error());
  if (*version != k_journal_format) return other_format(*version);
  const auto pages = database->text("PRAGMA quick_check(1)");
  if (!pages) return sort_out(pages.error());
  if (*pages != "ok") return fmt::format("it is damaged ({})", *pages);
  const auto chain = check_chain(*database, k_tail_entries);
  if (!chain) return sort_out(chain.error());
  if (!chain->empty()) return fmt::format("its newest entries are not as they were written ({})", *chain);
  return std::string{};
}

Status create(const fs::path& file) {
  // Under another name until it is whole, so that what bears the name is always a journal.
  const fs::path unfinished = with_suffix(file, ".new");
  std::error_code ignored;
  for (const auto* suffix : k_suffixes) fs::remove(with_suffix(unfinished, suffix), ignored);
  {
    auto database = sqlite::Database::open(unfinished, sqlite::Access::create);
    if (!database) return fail(database.error());
    // -wal and -shm take over the permissions of the database.
    fs::permissions(unfinished, fs::perms::owner_read | fs::perms::owner_write, ignored);
    // WAL comes last: what closing does to the log may fail unseen, so there must be nothing in it.
    const auto made =
        database->execute("PRAGMA auto_vacuum=INCREMENTAL; BEGIN;" + schema() + "COMMIT; PRAGMA journal_mode=WAL;");
    if (!made) return fail(made.error());
  }
  std::error_code code;
  fs::rename(unfinished, file, code);
  if (code) return fail(access_error(code, "cannot name the new journal"));
  return {};
}

}  // namespace

Result<sqlite::Database> own_journal(const fs::path& file) {
  std::error_code code;
  if (!file.parent_path().empty()) fs::create_directories(file.parent_path(), code);
  if (code) return fail(access_error(code, fmt::format("cannot make the folder of journal {}", to_utf8(file))));

  // An exclusive transaction on an empty database: the one lock that SQLite gives alike on every system and to two
  // owners inside one process. The system releases it when the process dies. The journal itself must stay open to
  // readers.
  auto lock = sqlite::Database::open(with_suffix(file, ".lock"), sqlite::Access::create);
  if (!lock) return fail(Error(lock.error()).context(fmt::format("cannot own journal {}", to_utf8(file))));
  fs::permissions(with_suffix(file, ".lock"), fs::perms::owner_read | fs::perms::owner_write, code);
  lock->set_busy_timeout(std::chrono::milliseconds{0});
  if (const auto owned = lock->execute("BEGIN EXCLUSIVE"); !owned) {
    if (owned.error().code != ErrorCode::unavailable) {
      return fail(Error(owned.error()).context(fmt::format("cannot own journal {}", to_utf8(file))));
    }
    return fail(ErrorCode::unavailable, fmt::format("journal {} is in use by another rdpmend service", to_utf8(file)),
                "Stop that service, or give this one another state folder.");
  }
  return lock;
}

Result<std::string> find_damage(const fs::path& file) {
  std::error_code code;
  const auto status = fs::status(file, code);
  if (code && status.type() != fs::file_type::not_found) return fail(access_error(code, "cannot look at the file"));
  if (fs::is_directory(status)) {
    return fail(ErrorCode::invalid_argument, "it is a folder", "Name a file for the journal.");
  }
  // SQLite would throw away a log without a database, and with it what was acknowledged.
  if (bytes_on_disk(file) == 0 && !fs::exists(status)) return std::string{};
  if (!fs::exists(status) || fs::file_size(file, code) == 0) return "it is empty or missing beside its write-ahead log";
  return inspect(file);
}

Result<fs::path> set_aside(const fs::path& file) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::string stem = fmt::format("{}.set-aside-{:%Y%m%dT%H%M%SZ}", to_utf8(file.filename()), now);
  fs::path target = file.parent_path() / path_from_utf8(stem);
  const auto taken = [](const fs::path& path) {
    std::error_code ignored;
    for (const auto* suffix : k_suffixes) {
      if (fs::exists(fs::symlink_status(with_suffix(path, suffix), ignored))) return true;
    }
    return false;
  };
  for (int number = 2; taken(target); ++number) {
    if (number > k_max_set_aside_at_once) {
      return fail(ErrorCode::exhausted, fmt::format("cannot set {} aside: too many of that name", to_utf8(file)),
                  "Look at the files set aside beside it and remove them.");
    }
    target = file.parent_path() / path_from_utf8(fmt::format("{}-{}", stem, number));
  }
  for (const auto* suffix : k_suffixes) {
    const auto part = with_suffix(file, suffix);
    std::error_code code;
    if (!fs::exists(fs::symlink_status(part, code))) continue;
    fs::rename(part, with_suffix(target, suffix), code);
    if (code) return fail(access_error(code, fmt::format("cannot set {} aside", to_utf8(file))));
  }
  return target;
}

Result<sqlite::Database> open_or_create(const fs::path& file) {
  std::error_code code;
  if (!fs::exists(file, code)) {
    if (const auto made = create(file); !made) return fail(made.error());
  }
  auto database = sqlite::Database::open(file, sqlite::Access::write);
  if (!database) return database;
  // FULL: the write-ahead log is on the disk before a commit returns. Removed entries need not be overwritten with
  // zeros.
  const auto set = database->execute("PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA cache_size=-1024;");
  if (!set) return fail(set.error());
  return database;
}

std::uint64_t bytes_on_disk(const fs::path& file) {
  std::uint64_t bytes = 0;
  for (const auto& path : {file, with_suffix(file, "-wal")}) {
    std::error_code code;
    const auto size = fs::file_size(path, code);
    if (!code) bytes += size;
  }
  return bytes;
}

}  // namespace rdpmend
