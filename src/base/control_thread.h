// Threads that carry out changes, beside those that carry I/O.
#pragma once

namespace weft {

// The calling thread is one, and is called so by top and debuggers (15 characters).  It does not preempt who
// is running when it wakes (SCHED_BATCH): not a reactor in the middle of its turn, and not the client whose
// next step it has just been asked for, so that it finds several at once.
void become_control_thread(const char* name);

}  // namespace weft
