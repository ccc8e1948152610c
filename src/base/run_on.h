// Work on a loop that somebody off the loops waits for.
#pragma once

#include <functional>

#include "base/loop.h"

namespace weft {

// Runs the work on the loop and returns when it has ended; at once when this is that loop.
void run_on(Loop& loop, std::move_only_function<void()> work);

}  // namespace weft
