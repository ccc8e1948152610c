// The C library's own functions, for what stands in their place in a simulation (threads_libc.cc).
#pragma once

#include <pthread.h>

namespace weft::sim {

struct CLibrary {
  int (*create)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
};
const CLibrary& c_library();

}  // namespace weft::sim
