// Calls that the kernel may never return from, made by somebody who does not want to wait for ever.
#pragma once

#include <chrono>
#include <functional>

namespace weft::backends {

// Runs the work on a thread of its own.  True when it ended, and what it captured is gone, within `patience`;
// else thread and work are left behind: the work owns all that it uses.  May block as long; never on a loop.
bool run_bounded(std::move_only_function<void()> work, std::chrono::milliseconds patience);

}  // namespace weft::backends
