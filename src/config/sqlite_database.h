// Rows in a file of SQLite, and the rules for opening it: nobody else has it, and what is wrong with it is
// said before anything in it changes.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/document_rows.h"
#include "config/pending_rows.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weft::config {

// One thread at a time.
class SqliteDatabase {
 public:
  // See SqliteStore::open.
  static Result<std::unique_ptr<SqliteDatabase>> open(const std::string& path);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  Result<Rows> read();
  // In one transaction, which is on the disk when this returns; after an error none of it is.
  Result<> write(const PendingRows& rows);

 private:
  explicit SqliteDatabase(std::string path);
  Result<> take_lock();
  static Result<> make(const std::string& path);
  Result<> open_file();
  Result<> check();
  Result<> prepare();
  Result<> write_each(const PendingRows& rows);
  Result<> run(sqlite3_stmt* statement, const std::string& path, const std::string* value);
  Result<> execute(const char* sql);
  Result<std::string> ask(const char* sql);
  std::unexpected<Error> error(std::string_view what) const;

  const std::string path_;
  int lock_ = -1;
  sqlite3* database_ = nullptr;
  sqlite3_stmt* put_ = nullptr;
  sqlite3_stmt* erase_ = nullptr;
  sqlite3_stmt* erase_below_ = nullptr;
};

}  // namespace weft::config
