// Functions of the C and C++ libraries by which a program waits, and asks what time it is.  The dynamic
// linker finds these first, for the product's code and for the libraries'.  Where nothing is simulated they
// hand over to the libraries' own.
#include "sim/threads_libc.h"

#include <dlfcn.h>
#include <sched.h>

#include <bits/atomic_futex.h>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "sim/threads.h"

namespace {

using weft::Time;
using weft::sim::Threads;

// The library's function that this one stands in front of.
template <class Function>
Function* own(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}
#define WEFT_OWN(function)                                       \
  (*[] {                                                         \
    static auto* const its = own<decltype(function)>(#function); \
    return its;                                                  \
  }())

constexpr std::chrono::seconds kWallClock{1'700'000'000};

timespec to_timespec(std::chrono::nanoseconds time) {
  return {.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
}

Time to_time(const timespec& time, clockid_t clock) {
  const auto since = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  return Time(clock == CLOCK_REALTIME ? since - kWallClock : since);
}

bool is_recursive(const pthread_mutex_t* mutex) {
  return (mutex->__data.__kind & 3) == PTHREAD_MUTEX_RECURSIVE;
}

int wait(pthread_cond_t* condition, pthread_mutex_t* mutex, Time deadline) {
  return Threads::here()->wait_signal(condition, mutex, deadline) ? 0 : ETIMEDOUT;
}

using FutexWait = bool(unsigned*, unsigned, bool, std::chrono::seconds, std::chrono::nanoseconds);

bool wait_for_change(Threads& all, const unsigned* address, unsigned value, Time deadline) {
  const auto has_changed = [address, value] { return __atomic_load_n(address, __ATOMIC_ACQUIRE) != value; };
  return has_changed() || all.wait_until(has_changed, deadline);
}

}  // namespace

const weft::sim::CLibrary& weft::sim::c_library() {
  static const CLibrary kOwn{.create = &WEFT_OWN(pthread_create)};
  return kOwn;
}

extern "C" {

int pthread_create(pthread_t* self, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  if (Threads* const all = Threads::here()) return all->create(self, attributes, body, argument);
  return WEFT_OWN(pthread_create)(self, attributes, body, argument);
}

int pthread_join(pthread_t self, void** result) {
  if (Threads* const all = Threads::here()) all->await_end(self);
  return WEFT_OWN(pthread_join)(self, result);
}

int pthread_detach(pthread_t self) noexcept {
  if (Threads* const all = Threads::here()) all->is_detached(self);
  return WEFT_OWN(pthread_detach)(self);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  if (Threads* const all = Threads::here()) return all->lock(mutex, is_recursive(mutex)), 0;
  return WEFT_OWN(pthread_mutex_lock)(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  if (Threads* const all = Threads::here()) return all->try_lock(mutex, is_recursive(mutex)) ? 0 : EBUSY;
  return WEFT_OWN(pthread_mutex_trylock)(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  if (Threads* const all = Threads::here()) return all->unlock(mutex), 0;
  return WEFT_OWN(pthread_mutex_unlock)(mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  if (Threads* const all = Threads::here()) return all->lock_shared(lock, false), 0;
  return WEFT_OWN(pthread_rwlock_rdlock)(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  if (Threads* const all = Threads::here()) return all->lock_shared(lock, true), 0;
  return WEFT_OWN(pthread_rwlock_wrlock)(lock);
}

int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
  if (Threads* const all = Threads::here()) return all->unlock_shared(lock), 0;
  return WEFT_OWN(pthread_rwlock_unlock)(lock);
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  if (Threads::here() != nullptr) return wait(condition, mutex, Time::max());
  return WEFT_OWN(pthread_cond_wait)(condition, mutex);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
  if (Threads::here() != nullptr) return wait(condition, mutex, to_time(*until, CLOCK_REALTIME));
  return WEFT_OWN(pthread_cond_timedwait)(condition, mutex, until);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  if (Threads::here() != nullptr) return wait(condition, mutex, to_time(*until, clock));
  return WEFT_OWN(pthread_cond_clockwait)(condition, mutex, clock, until);
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  if (Threads* const all = Threads::here()) return all->signal(condition, false), 0;
  return WEFT_OWN(pthread_cond_signal)(condition);
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  if (Threads* const all = Threads::here()) return all->signal(condition, true), 0;
  return WEFT_OWN(pthread_cond_broadcast)(condition);
}

int sched_yield() noexcept {
  if (Threads* const all = Threads::here()) return all->may_yield(), 0;
  return WEFT_OWN(sched_yield)();
}

int nanosleep(const timespec* time, timespec* left) {
  if (Threads* const all = Threads::here()) {
    const auto length = std::chrono::seconds(time->tv_sec) + std::chrono::nanoseconds(time->tv_nsec);
    all->wait_until([] { return false; }, all->now() + length);
    return 0;
  }
  return WEFT_OWN(nanosleep)(time, left);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const Threads* const all = Threads::here();
  if (all == nullptr || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME))
    return WEFT_OWN(clock_gettime)(clock, time);
  const auto now = all->now().time_since_epoch();
  *time = to_timespec(clock == CLOCK_REALTIME ? now + kWallClock : now);
  return 0;
}

}  // extern "C"

// What futures wait with.
bool std::__atomic_futex_unsigned_base::_M_futex_wait_until(unsigned* address, unsigned value,
                                                            bool has_timeout, std::chrono::seconds seconds,
                                                            std::chrono::nanoseconds rest) {
  Threads* const all = Threads::here();
  if (all == nullptr) {
    static auto* const its = own<FutexWait>(
        "_ZNSt28__atomic_futex_unsigned_base19_M_futex_wait_"
        "untilEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_"
        "IlS3_ILl1ELl1000000000EEEE");
    return its(address, value, has_timeout, seconds, rest);
  }
  return wait_for_change(*all, address, value, has_timeout ? Time(seconds + rest - kWallClock) : Time::max());
}

bool std::__atomic_futex_unsigned_base::_M_futex_wait_until_steady(unsigned* address, unsigned value,
                                                                   bool has_timeout,
                                                                   std::chrono::seconds seconds,
                                                                   std::chrono::nanoseconds rest) {
  Threads* const all = Threads::here();
  if (all == nullptr) {
    static auto* const its = own<FutexWait>(
        "_ZNSt28__atomic_futex_unsigned_base26_M_futex_wait_until_"
        "steadyEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EE"
        "EENS2_IlS3_ILl1ELl1000000000EEEE");
    return its(address, value, has_timeout, seconds, rest);
  }
  return wait_for_change(*all, address, value, has_timeout ? Time(seconds + rest) : Time::max());
}

void std::__atomic_futex_unsigned_base::_M_futex_notify_all(unsigned* address) {
  if (Threads::here() != nullptr) return;  // who waits sees the value
  static auto* const its =
      own<void(unsigned*)>("_ZNSt28__atomic_futex_unsigned_base19_M_futex_notify_allEPj");
  its(address);
}
