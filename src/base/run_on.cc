#include "base/run_on.h"

#include <future>

#include "base/call.h"

namespace weft {

void run_on(Loop& loop, std::move_only_function<void()> work) {
  if (loop.is_here()) return work();
  std::promise<void> ran;
  post_call(loop, [&] {
    work();
    ran.set_value();
  });
  ran.get_future().wait();
}

}  // namespace weft
