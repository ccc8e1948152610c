#include "base/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/planted.h"

namespace weft {

namespace {

// A little goes in small pieces; what needs more than two of them goes in large ones.
std::size_t piece_bytes_for(std::size_t bytes) {
  return bytes <= 2 * kSmallBufferBytes ? kSmallBufferBytes : kLargeBufferBytes;
}

std::size_t footprint(std::size_t bytes) {
  const std::size_t piece = piece_bytes_for(bytes);
  return (bytes + piece - 1) / piece * piece;
}

}  // namespace

Buffers::Buffers(Buffers&& other) noexcept {
  *this = std::move(other);
}

Buffers& Buffers::operator=(Buffers&& other) noexcept {
  WEFT_CHECK(empty(), "buffers are given back before others take their place");
  std::copy_n(other.pieces_, other.count_, pieces_);
  count_ = std::exchange(other.count_, 0);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

Buffers::~Buffers() {
  WEFT_CHECK(empty(), "buffers go back to their pool");
}

BufferPool::Party::~Party() {
  WEFT_CHECK(held_ == 0 && waiters_.empty(), "a party leaves with nothing held or awaited");
}

BufferPool::BufferPool(Loop& loop, std::size_t limit_bytes) : loop_(loop), limit_(limit_bytes) {}

BufferPool::~BufferPool() {
  WEFT_CHECK(held_ == 0, "all buffers are back before their pool ends");
  for (auto map : maps_) ::munmap(map.data(), map.size());
}

bool BufferPool::guaranteed(const Party& party, std::size_t bytes) {
  if (party.kind_ == Party::Kind::capsule && party.held_ == 0) return true;
  const std::size_t own = party.kind_ == Party::Kind::admin ? kAdminBytes : kGuaranteedBytes;
  return party.held_ + footprint(bytes) <= own;
}

bool BufferPool::admits(const Party& party, std::size_t bytes) const {
  return held_ + footprint(bytes) <= limit_ || guaranteed(party, bytes) || held_ == 0;
}

bool BufferPool::try_take(Party& party, std::size_t bytes, Buffers& out) {
  WEFT_CHECK(bytes > 0 && bytes <= kMaxBufferPieces * kLargeBufferBytes);
  if (!party.waiters_.empty()) return false;
  // Others wait for the common part; only what a party is guaranteed may pass them.
  if (waiting_.empty() ? !admits(party, bytes) : !guaranteed(party, bytes)) return false;
  take(party, bytes, out);
  return true;
}

void BufferPool::wait(Party& party, std::size_t bytes, Waiter& waiter) {
  waiter.bytes_ = bytes;
  waiter.party_ = &party;
  if (party.waiters_.empty()) waiting_.push_back(party);
  party.waiters_.push_back(waiter);
  if (!serve_.is_posted()) loop_.post(serve_);
}

void BufferPool::cancel(Waiter& waiter) {
  if (!waiter.into_.empty()) {  // granted in this very turn, not yet told
    granted_.erase(granted_.iterator_to(waiter));
    give_back(*waiter.party_, waiter.into_);
    return;
  }
  Party& party = *waiter.party_;
  party.waiters_.erase(party.waiters_.iterator_to(waiter));
  if (party.waiters_.empty()) waiting_.erase(waiting_.iterator_to(party));
  if (!waiting_.empty() && !serve_.is_posted()) loop_.post(serve_);
}

void BufferPool::give_back(Party& party, Buffers& buffers) {
  if (buffers.empty()) return;
  for (const iovec& piece : buffers.pieces()) {
    const bool small = piece_bytes_for(buffers.bytes_) == kSmallBufferBytes;
    (small ? small_ : large_).push_back(piece.iov_base);
  }
  const std::size_t freed = footprint(buffers.bytes_);
  party.held_ -= freed;
  held_ -= freed;
  buffers.count_ = 0;
  buffers.bytes_ = 0;
  if (planted(Bug::forgotten_buffer_waiter)) return;
  if (!waiting_.empty() && !serve_.is_posted()) loop_.post(serve_);
}

void BufferPool::take(Party& party, std::size_t bytes, Buffers& out) {
  WEFT_CHECK(out.empty());
  const std::size_t piece = piece_bytes_for(bytes);
  std::size_t left = bytes;
  while (left > 0) {
    const std::size_t length = std::min(left, piece);
    out.pieces_[out.count_++] = iovec{take_piece(piece), length};
    left -= length;
  }
  out.bytes_ = bytes;
  party.held_ += footprint(bytes);
  held_ += footprint(bytes);
}

void* BufferPool::take_piece(std::size_t piece_bytes) {
  auto& cells = piece_bytes == kSmallBufferBytes ? small_ : large_;
  if (cells.empty()) {
    std::byte* const map = add_map();
    const std::size_t count = kMapBytes / piece_bytes;
    // Room for every cell of this size at once, so that giving one back never allocates.
    cells.reserve(std::max(cells.capacity(), mapped_ / piece_bytes));
    for (std::size_t i = count; i-- > 0;) cells.push_back(map + i * piece_bytes);
  }
  void* cell = cells.back();
  cells.pop_back();
  return cell;
}

// A map begins at a multiple of its size.
std::byte* BufferPool::add_map() {
  void* const found =
      ::mmap(nullptr, 2 * kMapBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  WEFT_CHECK(found != MAP_FAILED, "no address space for data buffers");
  auto* const all = static_cast<std::byte*>(found);
  const std::size_t before = (kMapBytes - reinterpret_cast<std::uintptr_t>(all) % kMapBytes) % kMapBytes;
  std::byte* const map = all + before;
  if (before > 0) ::munmap(all, before);
  ::munmap(map + kMapBytes, kMapBytes - before);
  maps_by_place_.emplace(reinterpret_cast<std::uintptr_t>(map) / kMapBytes, maps_.size());
  maps_.push_back({map, kMapBytes});
  mapped_ += kMapBytes;
  return map;
}

std::optional<std::size_t> BufferPool::map_of(const void* byte) const {
  const auto found = maps_by_place_.find(reinterpret_cast<std::uintptr_t>(byte) / kMapBytes);
  return found == maps_by_place_.end() ? std::nullopt : std::optional(found->second);
}

void BufferPool::serve() {
  // Rounds over the parties, one command of each, until a round serves nobody.  Once a party is refused,
  // those behind it get only what they are guaranteed: a large command is not overtaken for ever by small
  // ones.
  bool served_any = true;
  while (served_any && !waiting_.empty()) {
    served_any = false;
    bool short_of_memory = false;
    List<Party> round;
    List<Party> served;
    round.swap(waiting_);
    while (!round.empty()) {
      Party& party = round.front();
      round.pop_front();
      Waiter& waiter = party.waiters_.front();
      const bool pass = short_of_memory ? guaranteed(party, waiter.bytes_) : admits(party, waiter.bytes_);
      if (!pass) {
        short_of_memory = true;
        waiting_.push_back(party);
        continue;
      }
      party.waiters_.pop_front();
      if (!party.waiters_.empty()) served.push_back(party);
      take(party, waiter.bytes_, waiter.into_);
      served_any = true;
      granted_.push_back(waiter);
    }
    waiting_.splice(waiting_.end(), served);
  }
  // Told last: the functions may wait, cancel and give back as they like.
  while (!granted_.empty()) {
    Waiter& waiter = granted_.front();
    granted_.pop_front();
    waiter.granted_(waiter);
  }
}

}  // namespace weft
