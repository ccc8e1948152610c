// While it lives, no file of this process can grow beyond the limit: EFBIG, much as a full disk's ENOSPC.
#pragma once

#include <sys/resource.h>

#include <csignal>

#include "base/check.h"

namespace weft {

class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    WEFT_CHECK(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit limit{bytes, before_.rlim_max};
    WEFT_CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    WEFT_CHECK(::setrlimit(RLIMIT_FSIZE, &before_) == 0);
    (void)std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace weft
