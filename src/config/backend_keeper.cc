#include "config/backend_keeper.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/patience.h"

namespace weft::config {

namespace {

constexpr std::size_t kPlaces = 32;
constexpr std::chrono::milliseconds kPatience{500};

}  // namespace

// Lives until the last backend is gone.
struct BackendKeeper::State {
  Crew crew{kPlaces, kPatience};
  std::mutex mutex;
  std::condition_variable closed;
  std::size_t open = 0;
};

BackendKeeper::BackendKeeper() : state_(std::make_shared<State>()) {}

std::shared_ptr<block::Backend> BackendKeeper::keep(std::shared_ptr<block::Backend> backend,
                                                    std::move_only_function<void()> closed) {
  {
    const std::scoped_lock lock(state_->mutex);
    ++state_->open;
  }
  block::Backend* const raw = backend.get();
  // A deleter must be copyable, and what it calls is not.
  auto tell = std::make_shared<std::move_only_function<void()>>(std::move(closed));
  return {
      raw, [state = state_, owned = std::move(backend), tell = std::move(tell)](block::Backend*) mutable {
        const auto its = state;  // a copy: the job may be over before run returns
        its->crew.run([state = std::move(state), last = std::move(owned), tell = std::move(tell)]() mutable {
          last.reset();
          if (*tell) (*tell)();
          const std::scoped_lock lock(state->mutex);
          --state->open;
          state->closed.notify_all();
        });
      }};
}

bool BackendKeeper::wait_until_open(std::size_t most, Duration patience) const {
  std::unique_lock lock(state_->mutex);
  return await_none_left(state_->closed, lock, patience,
                         [&] { return state_->open - std::min(state_->open, most); });
}

}  // namespace weft::config
