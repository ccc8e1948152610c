#include "reactor/fixed_buffers.h"

#include <algorithm>

namespace weft::reactor {

void FixedBuffers::open(std::uint64_t most_bytes) {
  const auto count =
      static_cast<unsigned>(std::min<std::uint64_t>(kMostEntries, most_bytes / BufferPool::kMapBytes));
  if (count > 0 && io_uring_register_buffers_sparse(&ring_.raw(), count) == 0) entries_.resize(count);
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
