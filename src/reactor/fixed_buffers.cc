#include "reactor/fixed_buffers.h"

namespace weft::reactor {

void FixedBuffers::open() {
  if (io_uring_register_buffers_sparse(&ring_.raw(), kMostEntries) == 0) entries_.resize(kMostEntries);
}

int FixedBuffers::find(const BufferPool& pool, const iovec& piece) {
  if (entries_.empty()) return kNone;
  const auto place = pool.map_of(piece.iov_base);
  if (!place || *place >= entries_.size()) return kNone;
  State& state = entries_[*place];
  if (state == State::unknown)
    state = enter(static_cast<unsigned>(*place), pool.maps()[*place]) ? State::entered : State::refused;
  return state == State::entered ? static_cast<int>(*place) : kNone;
}

bool FixedBuffers::enter(unsigned place, std::span<std::byte> map) {
  const iovec memory{map.data(), map.size()};
  const __u64 tag = 0;
  return io_uring_register_buffers_update_tag(&ring_.raw(), place, &memory, &tag, 1) == 1;
}

}  // namespace weft::reactor
