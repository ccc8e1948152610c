// Convenience for configuration work: a closure posted to a loop.  It allocates; the data path embeds a Task.
#pragma once

#include <functional>

#include "base/loop.h"

namespace weft {

// Any thread.  The closure runs, and is destroyed, on the loop.
void post_call(Loop& loop, std::move_only_function<void()> work);

}  // namespace weft
