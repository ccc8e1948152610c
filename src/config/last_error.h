// What an object's `last_error` shows.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace weft::config {

// Why the last change of an object was refused; empty when none was.  Any thread.
class LastError {
 public:
  std::string text() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }
  void set(std::string text) {
    const std::scoped_lock lock(mutex_);
    text_ = std::move(text);
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace weft::config
