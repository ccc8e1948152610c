#include "base/control_thread.h"

#include <pthread.h>
#include <sched.h>

namespace weft {

void become_control_thread(const char* name) {
  ::pthread_setname_np(::pthread_self(), name);
  // What somebody chose for the process stays.  Where it is refused, by a filter of system calls, the thread
  // is one like all others.
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  const sched_param none{};
  (void)::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &none);
}

}  // namespace weft
