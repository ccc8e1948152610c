#include "backends/fd/fd_target.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace weft::backends {

int FdTarget::sync() {
  while (::fdatasync(fd()) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

int FdTarget::write_back() {
  constexpr unsigned kHow = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE;
  while (::sync_file_range(fd(), 0, 0, kHow) != 0) {
    if (errno == ESPIPE || errno == ENOSYS) return 0;  // nothing that is written back
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace weft::backends
