#include "config/sqlite_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/reached.h"
#include "base/replace_file.h"

namespace weft::config {

namespace {

constexpr const char* kApplication = "1466263156";  // the four letters of Weft
constexpr const char* kVersion = "1";
// Without a log: of that closing moves what it can into the file, and does not say what it could not.
constexpr const char* kMake =
    "PRAGMA journal_mode = DELETE;"
    "PRAGMA synchronous = FULL;"
    "BEGIN;"
    "PRAGMA application_id = 1466263156;"
    "PRAGMA user_version = 1;"
    "CREATE TABLE objects (path TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
    "COMMIT;";

// All names that SQLite gives files of its own beside the one.
constexpr const char* kLogEnd = "-wal";
constexpr const char* kBeside[] = {kLogEnd, "-shm", "-journal"};

// What the system said when the log could not be written, which SQLite does not pass on; 0: nothing.
int errno_of_log(sqlite3* database) {
  sqlite3_file* log = nullptr;
  int last = 0;
  if (sqlite3_file_control(database, nullptr, SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log)) !=
          SQLITE_OK ||
      log == nullptr || log->pMethods == nullptr)
    return 0;
  return log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &last) == SQLITE_OK ? last : 0;
}

int errno_of(sqlite3* database) {
  switch (sqlite3_errcode(database) & 0xFF) {
    case SQLITE_FULL:
      return ENOSPC;
    case SQLITE_NOMEM:
      return ENOMEM;
    case SQLITE_READONLY:
      return EROFS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return EBUSY;
    case SQLITE_CANTOPEN:
      return sqlite3_system_errno(database) != 0 ? sqlite3_system_errno(database) : EIO;
    case SQLITE_IOERR:
      return errno_of_log(database) != 0 ? errno_of_log(database) : EIO;
    default:
      return EIO;
  }
}

bool exists(const std::string& path) {
  struct stat unused{};
  return ::lstat(path.c_str(), &unused) == 0;
}

}  // namespace

SqliteDatabase::SqliteDatabase(std::string path) : path_(std::move(path)) {}

SqliteDatabase::~SqliteDatabase() {
  for (sqlite3_stmt* each : {put_, erase_, erase_below_}) sqlite3_finalize(each);
  sqlite3_close(database_);
  if (lock_ >= 0) ::close(lock_);
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::string& path) {
  std::error_code code;
  const std::filesystem::path directory = std::filesystem::absolute(path, code).parent_path();
  const bool made_directory = !code && std::filesystem::create_directories(directory, code);
  if (code) {
    WEFT_REACHED("config.store_without_directory");
    return fail(code.value(),
                fmt::format("store {}: its directory cannot be made: {}", path, code.message()));
  }
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(path));
  if (auto locked = database->take_lock(); !locked) return std::unexpected(std::move(locked.error()));
  if (!exists(path))
    if (auto made = make(path); !made) return std::unexpected(std::move(made.error()));
  const bool has_log = exists(path + kLogEnd);
  if (auto opened = database->open_file(); !opened) return std::unexpected(std::move(opened.error()));
  if (auto checked = database->check(); !checked) {
    WEFT_REACHED("config.store_refused");
    database.reset();
    if (!has_log) ::unlink((path + kLogEnd).c_str());  // an empty one, made by looking
    return std::unexpected(std::move(checked.error()));
  }
  if (auto prepared = database->prepare(); !prepared) return std::unexpected(std::move(prepared.error()));
  if (auto synced = sync_directory(directory); !synced) return std::unexpected(std::move(synced.error()));
  // As far as they may be read.
  for (auto up = directory; made_directory && up.has_relative_path(); up = up.parent_path())
    (void)sync_directory(up.parent_path());
  return database;
}

// SQLite's own locks do not tell who has them.
Result<> SqliteDatabase::take_lock() {
  const std::string path = path_ + ".lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    WEFT_REACHED("config.store_lock_cannot_be_opened");
    return fail_errno(errno, path);
  }
  char holder[16] = {};
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(errno, path);
    WEFT_REACHED("config.store_open_elsewhere");
    if (::pread(lock_, holder, sizeof holder - 1, 0) < 0) holder[0] = '\0';
    return fail(EBUSY, fmt::format("store {}: process {} has it open: end that, or name another store", path_,
                                   holder[0] == '\0' ? "?" : holder));
  }
  const std::string mine = fmt::to_string(::getpid());
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, mine.data(), mine.size(), 0) < 0)
    return fail_errno(errno, path);
  return {};
}

// Under another name until it is whole: an empty file would look like a store that has lost everything.
Result<> SqliteDatabase::make(const std::string& path) {
  for (const char* end : kBeside)
    if (exists(path + end)) {
      WEFT_REACHED("config.store_gone_but_for_its_log");
      return fail(
          EIO, fmt::format("store {}: it is gone, and {}{} is still there: put back the file that belongs to "
                           "it, or move that one away too to begin with nothing",
                           path, path, end));
    }
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  for (const char* end : kBeside) ::unlink((temporary + end).c_str());
  const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);  // for nobody else
  if (fd < 0) {
    WEFT_REACHED("config.store_cannot_be_made");
    return fail_errno(errno, temporary);
  }
  ::close(fd);
  {
    SqliteDatabase database(temporary);
    if (auto opened = database.open_file(); !opened) return opened;
    if (auto made = database.execute(kMake); !made) return made;
    if (sqlite3_close(std::exchange(database.database_, nullptr)) != SQLITE_OK)
      return fail(EIO, fmt::format("store {}: it cannot be made", path));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno(errno, temporary);
  return {};
}

Result<> SqliteDatabase::open_file() {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path_.c_str(), &database_, kFlags, nullptr) != SQLITE_OK)
    return error("it cannot be opened");
  // With the lock for itself the index of the log stands in memory and not in a third file.
  return execute("PRAGMA locking_mode = EXCLUSIVE");
}

// Nothing is changed before it is known to be whole: closing must not tidy up what is damaged.
Result<> SqliteDatabase::check() {
  sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  const auto refuse = [this](const std::string& why) {
    return fail(
        EIO, fmt::format("store {}: {}; it was left as it is: put back a good copy of it, or move it and its "
                         "{}-wal away to begin with nothing",
                         path_, why, std::filesystem::path(path_).filename().string()));
  };
  auto application = ask("PRAGMA application_id");
  if (!application) {
    const int code = sqlite3_errcode(database_) & 0xFF;
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
      WEFT_REACHED("config.store_is_no_database");
      return refuse("it is damaged: " + application.error().message);
    }
    return std::unexpected(std::move(application.error()));
  }
  if (*application != kApplication) {
    WEFT_REACHED("config.store_of_others");
    return refuse("it is no store of Weft");
  }
  const auto version = ask("PRAGMA user_version");
  if (!version || *version != kVersion) {
    WEFT_REACHED("config.store_of_other_version");
    return refuse(
        fmt::format("its version is {}, and this Weft knows {}", version.value_or("unknown"), kVersion));
  }
  const auto sound = ask("PRAGMA quick_check(1)");
  if (!sound) {
    WEFT_REACHED("config.store_cannot_be_checked");
    return refuse("it is damaged: " + sound.error().message);
  }
  if (*sound != "ok") {
    WEFT_REACHED("config.store_damaged");
    return refuse("it is damaged: " + *sound);
  }
  sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return {};
}

Result<> SqliteDatabase::prepare() {
  // One fdatasync of the log for a commit; the file itself follows when the log has grown long.
  if (auto set = execute("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL"); !set) return set;
  const std::pair<sqlite3_stmt**, const char*> all[] = {
      {&put_,
       "INSERT INTO objects (path, value) VALUES (?1, ?2) ON CONFLICT (path) DO UPDATE SET value = "
       "excluded.value"},
      {&erase_, "DELETE FROM objects WHERE path = ?1"},
      {&erase_below_, "DELETE FROM objects WHERE path > ?1 || '/' AND path < ?1 || '0'"},
  };
  for (const auto& [statement, sql] : all)
    if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, nullptr) != SQLITE_OK)
      return error("it cannot be used");
  return {};
}

Result<Rows> SqliteDatabase::read() {
  Rows rows;
  sqlite3_stmt* select = nullptr;
  sqlite3_prepare_v2(database_, "SELECT path, value FROM objects", -1, &select, nullptr);
  const auto text = [&select](int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(select, column));
    return std::string(bytes == nullptr ? "" : bytes,
                       static_cast<std::size_t>(sqlite3_column_bytes(select, column)));
  };
  int step = SQLITE_MISUSE;
  while (select != nullptr && (step = sqlite3_step(select)) == SQLITE_ROW) rows.emplace(text(0), text(1));
  sqlite3_finalize(select);
  if (step != SQLITE_DONE) return error("it cannot be read");
  return rows;
}

Result<> SqliteDatabase::write(const PendingRows& rows) {
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = write_each(rows);
  if (done) done = execute("COMMIT");
  // After some errors SQLite has rolled back already.
  if (!done && sqlite3_get_autocommit(database_) == 0) (void)execute("ROLLBACK");
  return done;
}

Result<> SqliteDatabase::write_each(const PendingRows& rows) {
  for (const auto& [path, row] : rows.rows()) {
    if (row.erases_below)
      for (sqlite3_stmt* each : {erase_, erase_below_})
        if (auto erased = run(each, path, nullptr); !erased) return erased;
    if (row.value)
      if (auto put = run(put_, path, &*row.value); !put) return put;
  }
  return {};
}

Result<> SqliteDatabase::run(sqlite3_stmt* statement, const std::string& path, const std::string* value) {
  sqlite3_bind_text(statement, 1, path.data(), static_cast<int>(path.size()), SQLITE_STATIC);
  if (value != nullptr)
    sqlite3_bind_text(statement, 2, value->data(), static_cast<int>(value->size()), SQLITE_STATIC);
  Result<> done;
  if (sqlite3_step(statement) != SQLITE_DONE) done = error("it cannot be written");
  sqlite3_reset(statement);
  return done;
}

Result<> SqliteDatabase::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error("it cannot be written");
}

// The first value of the answer.
Result<std::string> SqliteDatabase::ask(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const bool there = sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) == SQLITE_OK &&
                     sqlite3_step(statement) == SQLITE_ROW;
  Result<std::string> result =
      there ? Result<std::string>(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)))
            : error("it cannot be read");
  sqlite3_finalize(statement);
  return result;
}

std::unexpected<Error> SqliteDatabase::error(std::string_view what) const {
  const int code = errno_of(database_);
  if ((sqlite3_errcode(database_) & 0xFF) == SQLITE_BUSY)
    return fail(code,
                fmt::format("store {}: another process has it open: end that, or name another store", path_));
  return fail(code,
              fmt::format("store {}: {}: {} ({})", path_, what, sqlite3_errmsg(database_), errno_text(code)));
}

}  // namespace weft::config
