#include "reactor/lane.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"

namespace weft::reactor {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kIdleTime{5};  // a thread without work for so long ends

}  // namespace

// Shared by the lane and its thread: a thread that hangs finds it when it comes back.
struct Lane::State {
  explicit State(std::string its_name) : name(std::move(its_name)) {}

  static void run(const std::shared_ptr<State>& state);
  static bool start_thread(const std::shared_ptr<State>& state);
  Job* take_job(std::unique_lock<std::mutex>& lock);

  const std::string name;
  mutable std::mutex mutex;
  std::condition_variable work;   // a job has come, or the lane ends
  std::condition_variable ended;  // the thread has left
  Job* first = nullptr;
  Job* last = nullptr;
  bool has_thread = false;
  bool ending = false;     // the thread leaves when there is no job
  bool abandoned = false;  // nothing outside of this state may be touched any more
  bool is_running = false;
  Clock::time_point running_since{};
};

Lane::Lane(std::string name) : state_(std::make_shared<State>(std::move(name))) {}

Lane::~Lane() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  state.ending = true;
  state.work.notify_all();
  if (state.ended.wait_for(lock, kGrace, [&state] { return !state.has_thread; })) return;
  state.abandoned = true;
  state.first = nullptr;
}

bool Lane::submit(Job& job) {
  WEFT_CHECK(job.run != nullptr && job.loop != nullptr && job.done != nullptr);
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (!state.has_thread && !State::start_thread(state_)) return false;
  job.next = nullptr;
  (state.first == nullptr ? state.first : state.last->next) = &job;
  state.last = &job;
  state.work.notify_one();
  return true;
}

Duration Lane::busy_for() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_running ? Duration(Clock::now() - state_->running_since) : Duration::zero();
}

// Under the lock.
bool Lane::State::start_thread(const std::shared_ptr<State>& state) {
  try {
    std::thread([state] { run(state); }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  state->has_thread = true;
  return true;
}

Lane::Job* Lane::State::take_job(std::unique_lock<std::mutex>& lock) {
  work.wait_for(lock, kIdleTime, [this] { return first != nullptr || ending; });
  Job* const job = first;
  if (job != nullptr) first = job->next;
  return job;
}

void Lane::State::run(const std::shared_ptr<State>& state) {
  ::pthread_setname_np(::pthread_self(), state->name.substr(0, 15).c_str());
  std::unique_lock lock(state->mutex);
  while (Job* const job = state->take_job(lock)) {
    state->is_running = true;
    state->running_since = Clock::now();
    lock.unlock();
    job->run(*job);
    lock.lock();
    state->is_running = false;
    if (state->abandoned) break;
    // Under the lock: whoever gives up on this lane knows that no job is told about afterwards.
    job->loop->post(*job->done);
  }
  state->has_thread = false;
  state->ended.notify_all();
}

}  // namespace weft::reactor
