// Runs a function on `home` after every loop has finished a whole turn that began after the call: each has
// then seen what its sockets had to say before it.
#pragma once

#include <functional>

#include "base/loop.h"

namespace weft::target {

void run_barrier(Loops& loops, Loop& home, std::move_only_function<void()> then);

}  // namespace weft::target
