#include "daemon/signals.h"

#include <pthread.h>

#include <cerrno>

#include "base/check.h"

namespace weft::daemon {

Signals::Signals(std::initializer_list<int> numbers) {
  ::sigemptyset(&set_);
  for (const int number : numbers) ::sigaddset(&set_, number);
  WEFT_CHECK(::pthread_sigmask(SIG_BLOCK, &set_, &before_) == 0);
  WEFT_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

int Signals::wait() {
  return wait_for_any().number;
}

Signals::Caught Signals::wait_for_any() {
  while (true) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&set_, &info);
    if (number > 0) return {number, info.si_code == SI_KERNEL};
    WEFT_CHECK(errno == EINTR, "the set is a valid one");
  }
}

void Signals::release() {
  WEFT_CHECK(::pthread_sigmask(SIG_SETMASK, &before_, nullptr) == 0);
}

}  // namespace weft::daemon
