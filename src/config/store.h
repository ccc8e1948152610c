// Where the configuration is kept, so that a restart finds it: a row for each object, as it stands in a
// document (document_rows.h).
#pragma once

#include <string>

#include "config/tree.h"

namespace weft::config {

// Any thread.  No call waits for the disk.
class Store {
 public:
  virtual ~Store() = default;

  // An object calls these under its own lock, so that they come in the order of its changes.  They reach the
  // disk in the order of the calls, later ones never without earlier ones.
  virtual void put(const std::string& path, std::string value) = 0;
  virtual void erase(const std::string& path) = 0;  // the object and everything below it

  // Answers when all that was put and erased before is on the disk, on a thread of the store, or here when
  // there is nothing to wait for.  An error (ENOSPC, EIO, ...): the change is in force and may not be kept.
  virtual void when_durable(Answer answer) = 0;
};

// For a process that forgets its configuration when it ends.
class NoStore final : public Store {
 public:
  void put(const std::string& /*path*/, std::string /*value*/) override {}
  void erase(const std::string& /*path*/) override {}
  void when_durable(Answer answer) override { answer({}); }
};

}  // namespace weft::config
