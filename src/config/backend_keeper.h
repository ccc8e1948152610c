// Closing a backend may block, and the last to let go of one may be a loop.  A keeper hands out backends that
// are destroyed on a crew's thread, and knows how many of them are still open.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

#include "block/backend.h"
#include "config/crew.h"

namespace weft::config {

class BackendKeeper {
 public:
  BackendKeeper();

  // Any thread.  What is returned may be let go on any thread.  `closed` is called when it is destroyed, on a
  // thread of the crew.
  std::shared_ptr<block::Backend> keep(std::shared_ptr<block::Backend> backend,
                                       std::move_only_function<void()> closed = nullptr);

  // Until at most `most` of those that it keeps are not yet destroyed; false when none was for `patience`.
  bool wait_until_open(std::size_t most, Duration patience) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weft::config
