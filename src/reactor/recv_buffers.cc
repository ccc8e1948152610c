#include "reactor/recv_buffers.h"

#include <sys/mman.h>

#include <cerrno>

#include "base/check.h"
#include "reactor/kernel.h"

namespace weft::reactor {

namespace {

constexpr std::size_t kRingBytes = RecvBuffers::kMostCount * sizeof(io_uring_buf);
constexpr std::size_t kMemoryBytes = RecvBuffers::kMostCount * RecvBuffers::kBufferBytes;

void* map(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

RecvBuffers::~RecvBuffers() {
  WEFT_CHECK(lent_ == 0, "chunks do not outlive their reactor");
  starved_.clear();
  if (memory_ != nullptr) ::munmap(memory_, kMemoryBytes);
  if (ring_ != nullptr) ::munmap(ring_, kRingBytes);
}

Result<> RecvBuffers::open(Ring& ring) {
  ring_ = static_cast<io_uring_buf_ring*>(map(kRingBytes));
  memory_ = static_cast<std::byte*>(map(kMemoryBytes));
  if (ring_ == nullptr || memory_ == nullptr) return fail_errno(ENOMEM, "receive buffers: no address space");
  io_uring_buf_ring_init(ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_);
  registration.ring_entries = kMostCount;
  registration.bgid = kGroup;
  if (const int result = io_uring_register_buf_ring(&ring.raw(), &registration, 0); result < 0)
    return fail_errno(-result, "receive buffers: the kernel does not take a ring of provided buffers");
  grow(kStartCount);
  return {};
}

void RecvBuffers::grow(unsigned count) {
  for (unsigned i = 0; i < count && total_ < kMostCount; ++i) provide(total_++);
}

void RecvBuffers::provide(std::uint32_t token) {
  io_uring_buf_ring_add(ring_, memory_ + token * kBufferBytes, kBufferBytes,
                        static_cast<unsigned short>(token), io_uring_buf_ring_mask(kMostCount), 0);
  io_uring_buf_ring_advance(ring_, 1);
}

net::Chunk RecvBuffers::chunk(std::uint32_t cqe_flags, std::size_t bytes) {
  const std::uint32_t token = cqe_flags >> IORING_CQE_BUFFER_SHIFT;
  ++lent_;
  return {std::span<const std::byte>(memory_ + token * kBufferBytes, bytes), this, token};
}

void RecvBuffers::wait(Starved& starved) {
  if (lent_ * 4 > total_ * 3) grow(kStartCount);
  // Not all are lent: the others are there again, or in completions that this loop is about to run.
  if (lent_ < total_) return starved.on_buffers_back();
  if (!starved.is_linked()) starved_.push_back(starved);
}

void RecvBuffers::give_back(std::uint32_t token) {
  WEFT_CHECK(lent_ > 0);
  --lent_;
  provide(token);
  // All of them: the first may not want it any more.
  while (!starved_.empty()) {
    Starved& next = starved_.front();
    starved_.pop_front();
    next.on_buffers_back();
  }
}

}  // namespace weft::reactor
