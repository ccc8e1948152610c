#include "sim/loops.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weft::sim {

namespace {

// A timer's slot: which list it is in.
constexpr std::uint32_t kLater = 0;
constexpr std::uint32_t kDue = 1;

}  // namespace

SimLoop::SimLoop(const Clock& clock, unsigned index, std::size_t buffer_bytes, std::uint64_t seed,
                 const SimLoop*& running)
    : clock_(clock),
      index_(index),
      running_(running),
      now_(clock.now()),
      dice_(seed),
      pool_(*this, buffer_bytes) {}

void SimLoop::arm(Timer& timer, Duration delay) {
  cancel(timer);
  const Time from = running_ == this ? now_ : clock_.now();
  timer.mark_armed(delay > Time::max() - from ? Time::max() : from + std::max(delay, Duration{}));
  timer.slot = kLater;
  auto place = timers_.begin();  // behind those of the same deadline
  while (place != timers_.end() && place->deadline() <= timer.deadline()) ++place;
  timers_.insert(place, timer);
}

void SimLoop::cancel(Timer& timer) {
  if (!timer.is_armed()) return;
  List<Timer>& list = timer.slot == kDue ? due_ : timers_;
  list.erase(list.iterator_to(timer));
  timer.mark_idle();
}

void SimLoop::post(Task& task) {
  task.mark_posted();
  posted_.push_back(&task);
}

void SimLoop::defer(Task& task) {
  task.mark_posted();
  deferred_.push_back(&task);
}

bool SimLoop::has_work() const {
  if (!posted_.empty() || !deferred_.empty()) return true;
  return !timers_.empty() && timers_.front().deadline() <= clock_.now();
}

std::optional<Time> SimLoop::next_deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.front().deadline();
}

void SimLoop::run_turn(std::size_t most_tasks) {
  WEFT_CHECK(running_ == nullptr, "a turn within a turn");
  running_ = this;
  now_ = clock_.now();
  run_timers();
  for (std::size_t left = std::min(most_tasks, posted_.size()); left > 0; --left) {
    Task* const task = posted_.front();
    posted_.pop_front();
    task->run();
  }
  while (!deferred_.empty()) {
    Task* const task = deferred_.front();
    deferred_.pop_front();
    task->run();
  }
  running_ = nullptr;
}

// Those that are armed meanwhile wait for the next turn, whatever their deadline.
void SimLoop::run_timers() {
  while (!timers_.empty() && timers_.front().deadline() <= now_) {
    Timer& timer = timers_.front();
    timers_.pop_front();
    timer.slot = kDue;
    due_.push_back(timer);
  }
  while (!due_.empty()) {
    Timer& timer = due_.front();
    due_.pop_front();
    timer.mark_idle();
    timer.run();
  }
}

SimLoops::SimLoops(std::string name, const Clock& clock, unsigned count, std::size_t buffer_bytes, Dice& dice,
                   const SimLoop*& running)
    : name_(std::move(name)), loads_(count), in_use_(count) {
  for (unsigned i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<SimLoop>(clock, i, buffer_bytes, dice.next(), running));
    all_.push_back(loops_.back().get());
  }
}

Loop& SimLoops::acquire_least_loaded() {
  const auto least = std::min_element(loads_.begin(), loads_.begin() + in_use_);
  ++*least;
  return *all_[static_cast<std::size_t>(least - loads_.begin())];
}

void SimLoops::release(Loop& loop) {
  WEFT_CHECK(loads_.at(loop.index()) > 0, "a loop is released once for each time it was acquired");
  --loads_[loop.index()];
}

}  // namespace weft::sim
