#include "target/fabrics/loop_barrier.h"

#include "base/call.h"
#include "target/view.h"

namespace weft::target {

void run_barrier(Loops& loops, Loop& home, std::move_only_function<void()> then) {
  const Pin pin = make_pin([&home, then = std::move(then)]() mutable { post_call(home, std::move(then)); });
  for (Loop* loop : loops.all()) {
    // The first task may run in the turn that is going on; the second comes after a whole one.
    post_call(*loop, [loop, pin] { post_call(*loop, [pin] {}); });
  }
}

}  // namespace weft::target
