#include <fmt/format.h>
#include <liburing.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstddef>
#include <fstream>

#include "reactor/file_io.h"

namespace weft::reactor {

namespace {

// A partition's queue is its device's.
bool has_poll_queues(dev_t device) {
  for (const char* queue : {"queue", "../queue"}) {
    std::ifstream file(fmt::format("/sys/dev/block/{}:{}/{}/io_poll", major(device), minor(device), queue));
    if (char value = 0; file.get(value)) return value == '1';
  }
  return false;
}

// File systems without it refuse what a ring for polling hands to them.
bool takes_polled_reads(int fd) {
  io_uring ring{};
  if (io_uring_queue_init(1, &ring, IORING_SETUP_IOPOLL) != 0) return false;
  constexpr std::size_t kBytes = 4096;
  alignas(kBytes) static std::byte memory[kBytes];  // what the first block is matters to nobody
  io_uring_prep_read(io_uring_get_sqe(&ring), fd, memory, kBytes, 0);
  io_uring_cqe* done = nullptr;
  int error = io_uring_submit(&ring) == 1 ? -EINTR : -EIO;
  while (error == -EINTR) error = io_uring_wait_cqe(&ring, &done);
  const bool good = error == 0 && done->res >= 0;
  io_uring_queue_exit(&ring);
  return good;
}

}  // namespace

bool is_polled(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return false;
  const dev_t device = S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev;
  return has_poll_queues(device) && takes_polled_reads(fd);
}

}  // namespace weft::reactor
