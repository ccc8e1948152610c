// For the tests of this folder: reactors to run on, and calls that wait for a loop.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <type_traits>
#include <utility>

#include "base/call.h"
#include "reactor/reactor.h"

namespace weft::reactor::testing {

inline std::unique_ptr<Reactors> start_reactors(unsigned count = 1) {
  auto reactors = Reactors::start({.count = count, .buffer_bytes_each = 1 << 20, .spin = Duration{}});
  if (!reactors) {
    ADD_FAILURE() << reactors.error().message;
    std::abort();
  }
  return std::move(*reactors);
}

// Runs `work` on the loop and waits for what it returns.
template <class Work>
auto on_loop(Loop& loop, Work work) -> std::invoke_result_t<Work> {
  std::promise<std::invoke_result_t<Work>> result;
  auto future = result.get_future();
  post_call(loop, [&] {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      work();
      result.set_value();
    } else {
      result.set_value(work());
    }
  });
  return future.get();
}

// A state that loops change and the test waits for.
class Watch {
 public:
  template <class Change>
  void change(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  // False when that did not come true within a minute.
  template <class Condition>
  bool wait(const Condition& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), condition);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace weft::reactor::testing
