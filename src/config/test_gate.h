// A door for tests of what hangs: who comes to it waits until it is opened, and the test sees who waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include "base/loop.h"

namespace weft::config {

// How long a test waits for what must come.
inline constexpr std::chrono::seconds kTestPatience{60};

class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
    ++passed_;
    changed_.notify_all();
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait_for_waiting(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kTestPatience, [&] { return waiting_ >= count; });
  }
  bool wait_for_passed(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kTestPatience, [&] { return passed_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::size_t waiting_ = 0;
  std::size_t passed_ = 0;
};

inline std::shared_ptr<Gate> make_gate() {
  return std::make_shared<Gate>();
}

}  // namespace weft::config
