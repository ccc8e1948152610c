// Threads of simulated processes.  They are real ones, of which at most one runs, and only while the world
// gives it a turn: until it has to wait, or the dice want another to come first.  What the product waits with
// (mutexes, condition variables, futures, sleeping, joining) is taken from the C library's place by
// threads_libc.cc, so that the product's code runs unchanged, and runs the same again from the same seed.
//
// The world's own thread is none of them: it turns the loops, and waits for a mutex by giving turns to who
// may have it.
#pragma once

#include <semaphore.h>

#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/dice.h"
#include "base/loop.h"
#include "sim/loops.h"

namespace weft::sim {

class Threads {
 public:
  using Ready = std::function<bool()>;

  // `running` names the loop that has a turn: none of them while a thread has one.
  Threads(const Clock& clock, Dice& dice, const SimLoop*& running);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  // --- for the world
  // What such a thread makes is the process's too.
  void start(const SimLoops& process, std::function<void()> body);
  void kill(const SimLoops& process);  // none of its threads ever has a turn again
  void pause(const SimLoops& process, Time until);
  struct Thread;
  std::vector<Thread*> runnable() const;
  std::optional<Time> next_time() const;
  void run(Thread& thread);  // one turn

  // --- for what takes the C library's place.  Null: nothing is simulated here, and the C library does it.
  static Threads* here();
  Time now() const { return clock_.now(); }
  void lock(const void* mutex, bool is_recursive);
  bool try_lock(const void* mutex, bool is_recursive);
  void unlock(const void* mutex);
  void lock_shared(const void* mutex, bool alone);
  void unlock_shared(const void* mutex);
  bool wait_signal(const void* condition, const void* mutex, Time deadline);  // false: the time is over
  void signal(const void* condition, bool all);
  bool wait_until(Ready ready, Time deadline);
  void may_yield();
  // The thread that `self` of the C library is; `body` runs on it.
  int create(pthread_t* self, const pthread_attr_t* attributes, void* (*body)(void*), void* argument);
  void await_end(pthread_t self);
  void is_detached(pthread_t self);

 private:
  struct Waiter;
  struct Shared {
    bool is_written = false;
    unsigned readers = 0;
  };
  struct Owned {
    const Thread* owner = nullptr;
    unsigned times = 0;
  };
  Thread& add(const SimLoops* process, std::function<void()> body);
  static void* live(void* thread);
  void block(Thread& self);
  std::vector<Thread*> delayed() const;
  bool is_paused(const Thread& thread) const;
  Thread* find(pthread_t self) const;
  static void abandon(std::unique_ptr<Thread>& thread);

  const Clock& clock_;
  Dice& dice_;
  const SimLoop*& running_;
  sem_t world_;
  Thread* self_ = nullptr;  // who has the turn; null: the world
  std::vector<std::unique_ptr<Thread>> threads_;
  std::map<const SimLoops*, Time> pauses_;
  std::map<const void*, Owned> mutexes_;  // that somebody has
  std::map<const void*, Shared> shared_;
  std::map<const void*, std::vector<Waiter*>> waiters_;
};

}  // namespace weft::sim
