// The store in a file of SQLite.  Changes of many tenants reach the disk in groups: one thread takes all that
// was put and erased since it looked last, and writes it in one transaction.
//
// A commit that fails is answered to all who waited for it, and its changes are tried again, with the next
// change and every second, until they are on the disk.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/document_rows.h"
#include "config/journal.h"
#include "config/pending_rows.h"
#include "config/store.h"

namespace weft::config {

class SqliteDatabase;

class SqliteStore final : public Store {
 public:
  // Makes the file when there is none.  No file that is there is ever taken for an empty store: what is
  // damaged, of another version or unreadable is an error, and stays as it is to the byte.  EBUSY: another
  // process has it, which the error names.
  // The journal outlives the store.
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, Journal& journal);
  ~SqliteStore() override;  // ends it
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  Result<Rows> read();  // before begin

  // From here on changes are noted; those before are taken to come from the store itself.
  void begin();
  // Writes what waits, and takes nothing more: who asks after it is told ECANCELED.
  void end();

  void when_durable(Answer answer) override;

 private:
  SqliteStore(std::unique_ptr<SqliteDatabase> database, Journal& journal);
  void put_row(const std::string& path, std::string value) override;
  void erase_row(const std::string& path) override;
  void run();
  void commit_group(std::unique_lock<std::mutex>& lock);
  void note_outcome(const Result<>& committed, bool failed_before);

  enum class State { reading, noting, ending };
  const std::unique_ptr<SqliteDatabase> database_;
  Journal& journal_;
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::reading;
  PendingRows pending_;
  std::vector<Answer> waiting_;
  bool has_news_ = false;  // since the last commit began
  bool is_committing_ = false;
  bool has_failed_ = false;  // the last commit; its rows wait again
  std::thread thread_;
};

}  // namespace weft::config
