#include "sim/threads.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sim/threads_libc.h"
#include "sim/world.h"

namespace weft::sim {

namespace {

constexpr unsigned kYields = 8;   // one in so many places where a thread may be overtaken
constexpr unsigned kDelays = 10;  // and of those, one where it gets no CPU for a while
constexpr Duration kLongestDelay = std::chrono::milliseconds(4);

// Of the run in this process; there is one at a time.
Threads* threads_of_run = nullptr;

// Nobody's loop: is_here() is false on all of them.
const SimLoop* nowhere() {
  static const char kPlace = 0;
  return reinterpret_cast<const SimLoop*>(&kPlace);
}

}  // namespace

struct Threads::Thread {
  Threads& all;
  const SimLoops* process;
  std::function<void()> body;
  Ready ready;  // empty: it may go on
  Time deadline = Time::max();
  bool is_over = false;
  bool is_delayed = false;  // it could go on
  bool is_let_go = false;   // joined or detached
  pthread_t real{};
  sem_t go;
};

struct Threads::Waiter {
  bool is_signalled = false;
};

Threads::Threads(const Clock& clock, Dice& dice, const SimLoop*& running)
    : clock_(clock), dice_(dice), running_(running) {
  ::sem_init(&world_, 0, 0);
}

Threads::~Threads() {
  for (auto& thread : threads_) abandon(thread);
  if (threads_of_run == this) threads_of_run = nullptr;
}

// One that has not ended waits for a turn that never comes, until the process ends.
void Threads::abandon(std::unique_ptr<Thread>& thread) {
  if (!thread->is_let_go) ::pthread_detach(thread->real);
  if (!thread->is_over) bury(std::move(thread));
}

Threads* Threads::here() {
  return threads_of_run;
}

Threads::Thread& Threads::add(const SimLoops* process, std::function<void()> body) {
  threads_of_run = this;
  auto& thread = *threads_.emplace_back(std::make_unique<Thread>(
      Thread{.all = *this, .process = process, .body = std::move(body), .ready = {}, .real = {}, .go = {}}));
  ::sem_init(&thread.go, 0, 0);
  return thread;
}

void Threads::start(const SimLoops& process, std::function<void()> body) {
  Thread& thread = add(&process, std::move(body));
  WEFT_CHECK(c_library().create(&thread.real, nullptr, &live, &thread) == 0, "the system has a thread");
}

int Threads::create(pthread_t* self, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  WEFT_CHECK(self_ != nullptr, "the world's own thread makes none");
  Thread& thread = add(self_->process, [body, argument] { body(argument); });
  const int error = c_library().create(&thread.real, attributes, &live, &thread);
  *self = thread.real;
  return error;
}

void* Threads::live(void* of) {
  Thread& thread = *static_cast<Thread*>(of);
  while (::sem_wait(&thread.go) != 0) {
  }
  thread.body();
  thread.body = nullptr;
  thread.is_over = true;
  ::sem_post(&thread.all.world_);
  return nullptr;
}

void Threads::kill(const SimLoops& process) {
  for (auto& thread : threads_) {
    if (thread->process != &process) continue;
    abandon(thread);
    thread = nullptr;
  }
  std::erase(threads_, nullptr);
}

void Threads::pause(const SimLoops& process, Time until) {
  pauses_[&process] = until;
}

bool Threads::is_paused(const Thread& thread) const {
  const auto pause = pauses_.find(thread.process);
  return pause != pauses_.end() && pause->second > clock_.now();
}

std::vector<Threads::Thread*> Threads::runnable() const {
  std::vector<Thread*> all;
  for (const auto& thread : threads_) {
    if (thread->is_over || is_paused(*thread)) continue;
    if (!thread->ready || thread->deadline <= clock_.now() || thread->ready()) all.push_back(thread.get());
  }
  return all;
}

std::vector<Threads::Thread*> Threads::delayed() const {
  std::vector<Thread*> all;
  for (const auto& thread : threads_)
    if (thread->is_delayed) all.push_back(thread.get());
  return all;
}

std::optional<Time> Threads::next_time() const {
  std::optional<Time> next;
  for (const auto& thread : threads_) {
    if (thread->is_over) continue;
    Time time = !thread->ready || thread->ready() ? clock_.now() : thread->deadline;
    if (time == Time::max()) continue;
    if (is_paused(*thread)) time = std::max(time, pauses_.at(thread->process));
    if (!next || time < *next) next = time;
  }
  return next;
}

void Threads::run(Thread& thread) {
  WEFT_CHECK(self_ == nullptr, "threads are given turns by the world");
  const SimLoop* const turn = std::exchange(running_, nowhere());
  self_ = &thread;
  ::sem_post(&thread.go);
  while (::sem_wait(&world_) != 0) {
  }
  self_ = nullptr;
  running_ = turn;
}

void Threads::block(Thread& self) {
  ::sem_post(&world_);
  while (::sem_wait(&self.go) != 0) {
  }
}

bool Threads::wait_until(Ready ready, Time deadline) {
  if (self_ == nullptr) {
    while (!ready()) {
      auto others = runnable();
      if (others.empty()) others = delayed();
      WEFT_CHECK(!others.empty(), "a loop waits for what no thread will do");
      run(*others[dice_.below(others.size())]);
    }
    return true;
  }
  Thread& self = *self_;
  self.ready = std::move(ready);
  self.deadline = deadline;
  block(self);
  const bool came = self.ready();
  self.ready = nullptr;
  self.deadline = Time::max();
  return came;
}

void Threads::may_yield() {
  if (self_ == nullptr || !dice_.one_in(kYields)) return;
  if (!dice_.one_in(kDelays)) return block(*self_);
  const Duration delay(dice_.below(static_cast<std::uint64_t>(kLongestDelay.count())));
  self_->is_delayed = true;
  Thread& self = *self_;
  wait_until([] { return false; }, now() + delay);
  self.is_delayed = false;
}

void Threads::lock(const void* mutex, bool is_recursive) {
  may_yield();
  if (try_lock(mutex, is_recursive)) return;
  wait_until([this, mutex] { return !mutexes_.contains(mutex); }, Time::max());
  mutexes_[mutex] = {self_, 1};
}

bool Threads::try_lock(const void* mutex, bool is_recursive) {
  const auto found = mutexes_.find(mutex);
  if (found == mutexes_.end()) {
    mutexes_[mutex] = {self_, 1};
    return true;
  }
  if (!is_recursive || found->second.owner != self_) return false;
  ++found->second.times;
  return true;
}

void Threads::unlock(const void* mutex) {
  const auto found = mutexes_.find(mutex);
  if (found == mutexes_.end()) return;  // taken before there was any thread
  if (--found->second.times == 0) mutexes_.erase(found);
  may_yield();
}

void Threads::lock_shared(const void* mutex, bool alone) {
  may_yield();
  const auto is_free = [this, mutex, alone] {
    const auto found = shared_.find(mutex);
    return found == shared_.end() || (!alone && !found->second.is_written);
  };
  if (!is_free()) wait_until(is_free, Time::max());
  Shared& shared = shared_[mutex];
  alone ? void(shared.is_written = true) : void(++shared.readers);
}

void Threads::unlock_shared(const void* mutex) {
  const auto found = shared_.find(mutex);
  if (found == shared_.end()) return;
  if (!found->second.is_written && --found->second.readers > 0) return;
  shared_.erase(found);
  may_yield();
}

bool Threads::wait_signal(const void* condition, const void* mutex, Time deadline) {
  WEFT_CHECK(self_ != nullptr, "a loop waits for nothing");
  Waiter waiter;
  waiters_[condition].push_back(&waiter);
  const Owned owned = mutexes_.at(mutex);
  mutexes_.erase(mutex);
  const bool came = wait_until([&waiter] { return waiter.is_signalled; }, deadline);
  auto& others = waiters_[condition];
  std::erase(others, &waiter);
  if (others.empty()) waiters_.erase(condition);
  wait_until([this, mutex] { return !mutexes_.contains(mutex); }, Time::max());
  mutexes_[mutex] = owned;
  return came;
}

void Threads::signal(const void* condition, bool all) {
  const auto found = waiters_.find(condition);
  if (found == waiters_.end()) return;
  std::vector<Waiter*> waiting;
  for (Waiter* const each : found->second)
    if (!each->is_signalled) waiting.push_back(each);
  if (waiting.empty()) return;
  if (!all) waiting = {waiting[dice_.below(waiting.size())]};
  for (Waiter* const each : waiting) each->is_signalled = true;
  may_yield();
}

Threads::Thread* Threads::find(pthread_t self) const {
  const auto found = std::ranges::find_if(threads_, [self](const auto& thread) {
    return thread != nullptr && !thread->is_let_go && ::pthread_equal(thread->real, self) != 0;
  });
  return found == threads_.end() ? nullptr : found->get();
}

void Threads::await_end(pthread_t self) {
  Thread* const thread = find(self);
  if (thread == nullptr) return;
  wait_until([thread] { return thread->is_over; }, Time::max());
  thread->is_let_go = true;
}

void Threads::is_detached(pthread_t self) {
  if (Thread* const thread = find(self); thread != nullptr) thread->is_let_go = true;
}

}  // namespace weft::sim
