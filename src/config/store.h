// Where the configuration is kept, so that a restart finds it: a row for each object, as it stands in a
// document (document_rows.h).
#pragma once

#include <string>
#include <utility>

#include "config/change_times.h"
#include "config/tree.h"

namespace weft::config {

// Any thread.  No call waits for the disk.
class Store {
 public:
  virtual ~Store() = default;

  // An object calls these under its own lock, so that they come in the order of its changes.  They reach the
  // disk in the order of the calls, later ones never without earlier ones.
  void put(const std::string& path, std::string value) {
    times_.put(path);
    put_row(path, std::move(value));
  }
  void erase(const std::string& path) {  // the object and everything below it
    times_.erase(path);
    erase_row(path);
  }
  // All that changes comes by here.  Who shows names that have no row tells it of them.
  ChangeTimes& times() { return times_; }

  // Answers when all that was put and erased before is on the disk, on a thread of the store, or here when
  // there is nothing to wait for.  An error (ENOSPC, EIO, ...): the change is in force and may not be kept.
  virtual void when_durable(Answer answer) = 0;

 private:
  virtual void put_row(const std::string& path, std::string value) = 0;
  virtual void erase_row(const std::string& path) = 0;

  ChangeTimes times_;
};

// For a process that forgets its configuration when it ends.
class NoStore final : public Store {
 public:
  void when_durable(Answer answer) override { answer({}); }

 private:
  void put_row(const std::string& /*path*/, std::string /*value*/) override {}
  void erase_row(const std::string& /*path*/) override {}
};

}  // namespace weft::config
