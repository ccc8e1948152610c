#include "base/control_thread.h"

#include <pthread.h>
#include <sched.h>

namespace weft {

void become_control_thread(const char* name) {
  ::pthread_setname_np(::pthread_self(), name);
  // Where it is refused, by a filter of system calls, the thread is one like all others.
  const sched_param none{};
  (void)::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &none);
}

}  // namespace weft
