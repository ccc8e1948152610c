#include "base/loop.h"

#include <functional>
#include <memory>

#include "base/call.h"
#include "base/check.h"

namespace weft {

void Task::mark_posted() {
  WEFT_CHECK(!posted_.exchange(true, std::memory_order_acq_rel), "a task may wait in one place only");
}

Timer::~Timer() {
  WEFT_CHECK(!armed_, "a timer is cancelled before it is destroyed");
}

namespace {

struct HeapCall : Task {
  explicit HeapCall(std::move_only_function<void()> work) : Task(&HeapCall::invoke), body(std::move(work)) {}
  static void invoke(Task& task) noexcept {
    std::unique_ptr<HeapCall> self(static_cast<HeapCall*>(&task));
    self->body();
  }
  std::move_only_function<void()> body;
};

}  // namespace

void post_call(Loop& loop, std::move_only_function<void()> work) {
  loop.post(*new HeapCall(std::move(work)));  // owned by itself until it ran
}

}  // namespace weft
