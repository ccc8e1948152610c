#include "config/crew.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/control_thread.h"
#include "base/patience.h"

namespace weft::config {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kIdleTime{2};               // a thread without work for so long ends
constexpr std::chrono::milliseconds kThreadRetryTime{10};  // when the system has no thread for us

}  // namespace

// Shared with the threads: one that hangs finds it when it comes back.
struct Crew::State {
  std::size_t places = 1;
  Duration patience{};
  std::mutex mutex;
  std::condition_variable work;    // for workers: a job may begin, or the crew ends
  std::condition_variable jam;     // for the foreman: no worker is on its way to a job, or the crew ends
  std::condition_variable change;  // for who waits until all is done
  std::deque<Job> jobs;
  std::list<Clock::time_point> running;  // since when, the longest first
  std::size_t idle_threads = 0;
  bool ending = false;

  // Running jobs that still count.
  std::size_t in_place(Clock::time_point now) const {
    return static_cast<std::size_t>(std::count_if(
        running.begin(), running.end(), [&](Clock::time_point since) { return now - since < patience; }));
  }
  bool may_begin(Clock::time_point now) const { return !jobs.empty() && in_place(now) < places; }

  static void work_on(const std::shared_ptr<State>& state);
  static void manage(const std::shared_ptr<State>& state);
  static void start_thread(const std::shared_ptr<State>& state, void (*body)(const std::shared_ptr<State>&));
};

// A machine short of threads is short of them for a moment: try until there is one.
void Crew::State::start_thread(const std::shared_ptr<State>& state,
                               void (*body)(const std::shared_ptr<State>&)) {
  while (true) {
    try {
      std::thread([state, body] {
        become_control_thread("weft-crew");
        body(state);
      }).detach();
      return;
    } catch (const std::system_error&) {
      std::this_thread::sleep_for(kThreadRetryTime);
    }
  }
}

void Crew::State::work_on(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    ++state->idle_threads;
    const bool ready = state->work.wait_for(lock, kIdleTime,
                                            [&] { return state->ending || state->may_begin(Clock::now()); });
    --state->idle_threads;
    if (!ready || state->ending) return;
    Job job = std::move(state->jobs.front());
    state->jobs.pop_front();
    const auto place = state->running.insert(state->running.end(), Clock::now());
    if (!state->jobs.empty()) state->jam.notify_one();
    lock.unlock();
    job();
    job = nullptr;  // what it owns goes without the lock
    lock.lock();
    state->running.erase(place);
    state->change.notify_all();
  }
}

// Makes threads as there is work that may begin, and wakes them when a place becomes free by time.  Sleeps
// while a worker that is there takes each job: most are short and come one at a time.
void Crew::State::manage(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (!state->ending) {
    if (state->jobs.empty()) {
      state->jam.wait(lock);
      continue;
    }
    const auto now = Clock::now();
    if (state->may_begin(now)) {
      const bool needs_thread = state->idle_threads == 0;
      state->work.notify_one();
      if (needs_thread) {
        lock.unlock();
        start_thread(state, &State::work_on);
        lock.lock();
      }
      // Whoever takes it says so, if more are left.
      state->jam.wait_for(lock, kThreadRetryTime);
      continue;
    }
    auto overdue = now + kIdleTime;
    for (const auto since : state->running)
      if (since + state->patience > now)
        overdue = std::min(overdue, std::chrono::time_point_cast<Clock::duration>(since + state->patience));
    state->jam.wait_until(lock, overdue);
  }
}

Crew::Crew(std::size_t places, Duration patience) : state_(std::make_shared<State>()) {
  state_->places = places;
  state_->patience = patience;
  State::start_thread(state_, &State::manage);
}

Crew::~Crew() {
  std::deque<Job> dropped;  // destroyed without the lock
  const std::scoped_lock lock(state_->mutex);
  state_->ending = true;
  dropped.swap(state_->jobs);
  state_->work.notify_all();
  state_->jam.notify_all();
}

void Crew::run(Job job) {
  const auto state = state_;  // the job may end the crew before this call does
  std::unique_lock lock(state->mutex);
  state->jobs.push_back(std::move(job));
  // One that is idle may be on its way to another job already: it then calls the foreman to this one.
  auto& next = state->idle_threads > 0 && state->may_begin(Clock::now()) ? state->work : state->jam;
  lock.unlock();
  next.notify_one();
}

bool Crew::wait_idle(Duration patience) const {
  std::unique_lock lock(state_->mutex);
  return await_none_left(state_->change, lock, patience,
                         [this] { return state_->jobs.size() + state_->running.size(); });
}

std::size_t Crew::unfinished() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->jobs.size() + state_->running.size();
}

}  // namespace weft::config
