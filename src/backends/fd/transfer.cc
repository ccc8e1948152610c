#include "backends/fd/transfer.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace weft::backends {

namespace {

constexpr std::size_t kMostPieces = 64;

// What is left of the pieces: the first of them begins at `skip`.
class Rest {
 public:
  explicit Rest(std::span<const iovec> pieces) : pieces_(pieces) { advance(0); }

  bool empty() const { return pieces_.empty(); }

  std::span<const iovec> front() {
    const std::size_t count = std::min(pieces_.size(), kMostPieces);
    std::copy_n(pieces_.begin(), count, window_.begin());
    window_[0].iov_base = static_cast<std::byte*>(window_[0].iov_base) + skip_;
    window_[0].iov_len -= skip_;
    return {window_.data(), count};
  }

  void advance(std::size_t bytes) {
    skip_ += bytes;
    while (!pieces_.empty() && skip_ >= pieces_.front().iov_len) {
      skip_ -= pieces_.front().iov_len;
      pieces_ = pieces_.subspan(1);
    }
  }

 private:
  std::span<const iovec> pieces_;
  std::size_t skip_ = 0;
  std::array<iovec, kMostPieces> window_{};
};

template <class Call>
int transfer(std::uint64_t offset, std::span<const iovec> pieces, int error_at_end, Call call) {
  Rest rest(pieces);
  while (!rest.empty()) {
    const auto front = rest.front();
    const ssize_t moved = call(front.data(), static_cast<int>(front.size()), static_cast<off_t>(offset));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return errno;
    if (moved == 0) return error_at_end;
    offset += static_cast<std::uint64_t>(moved);
    rest.advance(static_cast<std::size_t>(moved));
  }
  return 0;
}

}  // namespace

int read_all(int fd, std::uint64_t offset, std::span<const iovec> pieces) {
  return transfer(offset, pieces, EIO, [fd](const iovec* front, int count, off_t at) {
    return ::preadv2(fd, front, count, at, 0);
  });
}

int write_all(int fd, std::uint64_t offset, std::span<const iovec> pieces, bool dsync) {
  const int flags = dsync ? RWF_DSYNC : 0;
  return transfer(offset, pieces, ENOSPC, [fd, flags](const iovec* front, int count, off_t at) {
    return ::pwritev2(fd, front, count, at, flags);
  });
}

int write_zeroes(int fd, std::uint64_t offset, std::uint64_t length) {
  constexpr std::size_t kZeroBytes = 64 * 1024;
  alignas(4096) static constexpr std::array<std::byte, kZeroBytes> kZeroes{};
  while (length > 0) {
    std::array<iovec, 16> pieces{};
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    for (; count < pieces.size() && bytes < length; ++count) {
      const std::uint64_t here = std::min<std::uint64_t>(kZeroBytes, length - bytes);
      pieces[count] = {const_cast<std::byte*>(kZeroes.data()), here};
      bytes += here;
    }
    if (const int error = write_all(fd, offset, {pieces.data(), count}, false); error != 0) return error;
    offset += bytes;
    length -= bytes;
  }
  return 0;
}

int allocate(int fd, int mode, std::uint64_t offset, std::uint64_t length) {
  while (::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

}  // namespace weft::backends
