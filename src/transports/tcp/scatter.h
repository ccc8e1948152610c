// A place in a list of memory pieces that is being filled from its start.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/pieces.h"

namespace weft::tcp {

class Scatter {
 public:
  Scatter() = default;
  explicit Scatter(std::span<const iovec> pieces) : pieces_(pieces) {}

  // What is left of the current piece; empty at the end of all.
  std::span<std::byte> piece() {
    while (!pieces_.empty() && filled_ == pieces_.front().iov_len) {
      pieces_ = pieces_.subspan(1);
      filled_ = 0;
    }
    if (pieces_.empty()) return {};
    return std::span(static_cast<std::byte*>(pieces_.front().iov_base), pieces_.front().iov_len)
        .subspan(filled_);
  }
  void advance(std::size_t count) { filled_ += count; }  // at most the current piece

 private:
  std::span<const iovec> pieces_;
  std::size_t filled_ = 0;
};

}  // namespace weft::tcp
