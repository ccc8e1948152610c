// Commands to ublk's driver as a whole, by /dev/ublk-control.  For one thread at a time, off the loops.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "exports/ublk/protocol.h"

namespace weft::ublk {

class Control {
 public:
  // ENOENT: this kernel has no ublk; EPERM, EACCES: it is not for this user; EOPNOTSUPP: the kernel is older
  // than 6.5.
  static Result<std::unique_ptr<Control>> open();
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  std::uint64_t features() const { return features_; }

  // Of device `id`, with what the code takes as its value.  Blocks until the driver has done it.  0 or an
  // errno.
  int run(std::uint32_t code, std::uint32_t id, std::uint64_t value = 0);
  // With an argument in memory, which the driver reads or fills in.
  template <class Argument>
  int run_with(std::uint32_t code, std::uint32_t id, Argument& argument) {
    return run(code, {.dev_id = id,
                      .queue_id = kNoQueue,
                      .len = sizeof argument,
                      .addr = reinterpret_cast<std::uintptr_t>(&argument)});
  }

 private:
  explicit Control(int fd) : fd_(fd) {}
  Result<> start();
  int run(std::uint32_t code, ublksrv_ctrl_cmd command);

  const int fd_;
  io_uring ring_{};
  bool has_ring_ = false;
  std::uint64_t features_ = 0;
};

}  // namespace weft::ublk
