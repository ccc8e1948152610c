// What can hang (open, close, stat, fdatasync, fallocate, discard, and any I/O of a file system that cannot
// do it without blocking) never runs on a loop, nor on workers that backends share.  A Lane is the execution
// of one backend's blocking calls: its own thread, made when there is work and ended when it is idle.  A lane
// that hangs delays its own backend and nobody else, and does not keep the process from ending.
#pragma once

#include <memory>
#include <string>

#include "base/loop.h"

namespace weft::reactor {

class Lane {
 public:
  // Work in two halves: run() on the lane's thread, then done is posted to the submitter's loop.  The owner
  // embeds it and keeps it until done ran.
  struct Job {
    void (*run)(Job&) noexcept = nullptr;
    Loop* loop = nullptr;
    Task* done = nullptr;
    Job* next = nullptr;  // the lane's
  };

  explicit Lane(std::string name);  // at most 15 characters are shown as the thread's name
  // Lets the jobs finish for at most kGrace, then leaves a thread that hangs behind.  What has not told done
  // by then never will: the running job, and all that it uses, must then be left in memory for good.
  ~Lane();
  static constexpr Duration kGrace = std::chrono::seconds(2);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Any thread.  Jobs run one at a time, in order.  False, and nothing is done, when the lane has no thread
  // and the system none to give: that may pass.
  [[nodiscard]] bool submit(Job& job);

  // How long the running job has been at it; zero when idle.  Any thread.
  Duration busy_for() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weft::reactor
