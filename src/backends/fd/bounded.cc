#include "backends/fd/bounded.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace weft::backends {

bool run_bounded(std::move_only_function<void()> work, std::chrono::milliseconds patience) {
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
  };
  auto state = std::make_shared<State>();
  auto body = [state, work = std::move(work)]() mutable {
    work();
    work = nullptr;
    const std::scoped_lock lock(state->mutex);
    state->ended = true;
    state->changed.notify_all();
  };
  try {
    std::thread(std::move(body)).detach();
  } catch (const std::system_error&) {
    return false;  // no thread to be had
  }
  std::unique_lock lock(state->mutex);
  return state->changed.wait_for(lock, patience, [&] { return state->ended; });
}

}  // namespace weft::backends
