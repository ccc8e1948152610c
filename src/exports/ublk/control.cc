#include "exports/ublk/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace weft::ublk {

namespace {

constexpr const char* kPath = "/dev/ublk-control";
constexpr const char* kOthers = "--as nbd and --as file work without it";

}  // namespace

Result<std::unique_ptr<Control>> Control::open() {
  const int fd = ::open(kPath, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENODEV || error == ENXIO)
      return fail(
          ENOENT,
          fmt::format("{}: this kernel has no ublk (its module is ublk_drv, since Linux 6.0, and modprobe "
                      "loads it); {}",
                      kPath, kOthers));
    return fail(error, fmt::format("{}: {}; ublk is for root; {}", kPath, errno_text(error), kOthers));
  }
  std::unique_ptr<Control> self(new Control(fd));
  if (const auto started = self->start(); !started) return std::unexpected(started.error());
  return self;
}

Result<> Control::start() {
  io_uring_params params{};
  params.flags = IORING_SETUP_SQE128;
  if (const int error = -io_uring_queue_init_params(1, &ring_, &params); error != 0)
    return fail(error, fmt::format("{}: no ring for its commands: {}", kPath, errno_text(error)));
  has_ring_ = true;
  const int error = run_with(kGetFeatures, 0xFFFFFFFF, features_);
  if (error == EPERM || error == EACCES)
    return fail(error, fmt::format("{}: {}; ublk is for root; {}", kPath, errno_text(error), kOthers));
  if (error != 0 || (features_ & kEncodedCodes) == 0)
    return fail(EOPNOTSUPP, fmt::format("{}: this kernel's ublk is too old: Linux 6.5 or newer is needed; {}",
                                        kPath, kOthers));
  return {};
}

Control::~Control() {
  if (has_ring_) io_uring_queue_exit(&ring_);
  ::close(fd_);
}

int Control::run(std::uint32_t code, ublksrv_ctrl_cmd command) {
  io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
  io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd_, nullptr, 0, 0);
  sqe->cmd_op = code;
  std::memcpy(reinterpret_cast<std::byte*>(sqe) + offsetof(io_uring_sqe, cmd), &command, sizeof command);
  int result = 0;
  do result = io_uring_submit(&ring_);
  while (result == -EINTR || result == -EAGAIN);
  if (result < 0) return -result;
  io_uring_cqe* cqe = nullptr;
  do result = io_uring_wait_cqe(&ring_, &cqe);
  while (result == -EINTR);
  if (result < 0) return -result;
  result = cqe->res;
  io_uring_cqe_seen(&ring_, cqe);
  return result < 0 ? -result : 0;
}

int Control::run(std::uint32_t code, std::uint32_t id, std::uint64_t value) {
  return run(code, {.dev_id = id, .queue_id = kNoQueue, .data = {value}});
}

}  // namespace weft::ublk
