#include "config/sqlite_store.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "base/control_thread.h"
#include "base/planted.h"
#include "base/reached.h"
#include "config/sqlite_database.h"

namespace weft::config {

namespace {

constexpr std::chrono::seconds kRetryPause{1};

std::unexpected<Error> not_kept(const Error& error) {
  return fail(error.code,
              fmt::format("it is in force but not kept: {}; it is tried again every second, and lost "
                          "when the process ends before that succeeds",
                          error.message));
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, Journal& journal) {
  auto database = SqliteDatabase::open(path);
  if (!database) return std::unexpected(std::move(database.error()));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(*database), journal));
}

SqliteStore::SqliteStore(std::unique_ptr<SqliteDatabase> database, Journal& journal)
    : database_(std::move(database)), journal_(journal) {}

SqliteStore::~SqliteStore() {
  end();
}

Result<Rows> SqliteStore::read() {
  return database_->read();
}

void SqliteStore::begin() {
  const std::scoped_lock lock(mutex_);
  state_ = State::noting;
  thread_ = std::thread([this] {
    become_control_thread("weft-store");
    run();
  });
}

void SqliteStore::end() {
  {
    const std::scoped_lock lock(mutex_);
    state_ = State::ending;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void SqliteStore::put_row(const std::string& path, std::string value) {
  {
    const std::scoped_lock lock(mutex_);
    if (state_ != State::noting) return;
    pending_.put(path, std::move(value));
    has_news_ = true;
  }
  changed_.notify_one();  // without the lock, which the thread takes at once
}

void SqliteStore::erase_row(const std::string& path) {
  {
    const std::scoped_lock lock(mutex_);
    if (state_ != State::noting) return;
    pending_.erase(path);
    has_news_ = true;
  }
  changed_.notify_one();
}

void SqliteStore::when_durable(Answer answer) {
  if (planted(Bug::early_commit)) return answer({});
  std::unique_lock lock(mutex_);
  const bool ends = state_ == State::ending;
  if (!ends && (is_committing_ || !pending_.empty())) {
    waiting_.push_back(std::move(answer));
    has_news_ = true;
    lock.unlock();
    changed_.notify_one();
    return;
  }
  lock.unlock();
  answer(ends ? fail(ECANCELED, "the process ends, and keeps nothing more") : Result<>());
}

void SqliteStore::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto is_called = [this] { return state_ == State::ending || has_news_; };
    if (has_failed_)
      changed_.wait_for(lock, kRetryPause, is_called);
    else
      changed_.wait(lock, is_called);
    const bool last = state_ == State::ending;
    if (!pending_.empty() || !waiting_.empty()) commit_group(lock);
    if (last) return;
  }
}

void SqliteStore::commit_group(std::unique_lock<std::mutex>& lock) {
  PendingRows group = std::exchange(pending_, {});
  auto answers = std::exchange(waiting_, {});
  const bool failed_before = has_failed_;
  has_news_ = false;
  is_committing_ = true;
  lock.unlock();
  const Result<> committed = group.empty() ? Result<>() : database_->write(group);
  lock.lock();
  is_committing_ = false;
  has_failed_ = !committed;
  if (!committed) {
    WEFT_REACHED("config.changes_not_kept");
    group.add(std::exchange(pending_, {}));
    pending_ = std::move(group);
  }
  lock.unlock();
  note_outcome(committed, failed_before);
  for (auto& answer : answers) answer(committed ? committed : not_kept(committed.error()));
  answers.clear();
  lock.lock();
}

void SqliteStore::note_outcome(const Result<>& committed, bool failed_before) {
  if (committed && failed_before) {
    WEFT_REACHED("config.changes_kept_again");
    journal_.note("store", "all changes are kept again");
  }
  if (!committed && !failed_before)
    journal_.problem("store", fmt::format("changes are in force but not kept: {}; tried again every second",
                                          committed.error().message));
}

}  // namespace weft::config
