#include "backends/fd/fd_target.h"

#include <unistd.h>

#include <cerrno>

namespace weft::backends {

int FdTarget::sync() {
  while (::fdatasync(fd()) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

}  // namespace weft::backends
