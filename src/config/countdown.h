// Counts down to the end of several removals, which any thread may report.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include "base/patience.h"
#include "target/subsystem.h"

namespace weft::config {

class Countdown {
 public:
  target::Done one_more() {
    const std::scoped_lock lock(state_->mutex);
    ++state_->left;
    return [state = state_] {
      const std::scoped_lock done_lock(state->mutex);
      --state->left;
      state->done.notify_all();
    };
  }
  bool wait(Duration patience) {
    std::unique_lock lock(state_->mutex);
    return await_none_left(state_->done, lock, patience, [this] { return state_->left; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable done;
    std::size_t left = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace weft::config
