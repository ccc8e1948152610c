// Data buffers of one loop.  A command takes all the memory that it needs at once or waits holding none;
// who waits is served in order per party (a queue) and in turns between parties.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"

namespace weft {

inline constexpr std::size_t kSmallBufferBytes = 8 * 1024;
inline constexpr std::size_t kLargeBufferBytes = 128 * 1024;
inline constexpr std::size_t kMaxBufferPieces = 16;  // of one Buffers: 2 MiB in large pieces

// Page-aligned memory for one command, in one to kMaxBufferPieces pieces.  Move-only; empty after
// BufferPool::give_back.  Destroying one that is not empty is a failed check.
class Buffers {
 public:
  Buffers() = default;
  Buffers(Buffers&& other) noexcept;
  Buffers& operator=(Buffers&& other) noexcept;
  ~Buffers();

  bool empty() const { return count_ == 0; }
  std::size_t bytes() const { return bytes_; }  // as asked for
  std::span<iovec> pieces() { return {pieces_, count_}; }
  std::span<const iovec> pieces() const { return {pieces_, count_}; }

 private:
  friend class BufferPool;
  std::size_t bytes_ = 0;
  std::uint32_t count_ = 0;
  iovec pieces_[kMaxBufferPieces];  // the rest of these is not touched
};

class BufferPool {
 public:
  class Waiter;

  // One who takes buffers: a queue.  Outlives its waiters.
  class Party : public ListHook<> {
   public:
    enum class Kind : std::uint8_t { io, admin, capsule };
    explicit Party(Kind kind) : kind_(kind) {}
    Party(const Party&) = delete;
    Party& operator=(const Party&) = delete;
    ~Party();
    std::size_t held_bytes() const { return held_; }
    void set_kind(Kind kind) { kind_ = kind; }

   private:
    friend class BufferPool;
    List<Waiter> waiters_;
    std::size_t held_ = 0;
    Kind kind_;
  };

  // A request that waits.  granted() runs in a later turn, from the loop; `into`, empty until then, is
  // filled.
  class Waiter : public ListHook<> {
   public:
    using Function = void (*)(Waiter&) noexcept;
    Waiter(Function granted, Buffers& into) : granted_(granted), into_(into) {}

   private:
    friend class BufferPool;
    Function granted_;
    Buffers& into_;
    std::size_t bytes_ = 0;
    Party* party_ = nullptr;
  };

  // limit_bytes: what the parties may hold together.  Beyond it a party that holds nothing still gets
  // kGuaranteedBytes, and admin parties kAdminBytes each, so that a full pool stalls nobody for ever.  A
  // capsule party, for data that came with its command and so stands in front of all that comes behind it,
  // gets one command's memory of any size: what holds the pool's memory may be waiting for what comes behind.
  BufferPool(Loop& loop, std::size_t limit_bytes);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  static constexpr std::size_t kGuaranteedBytes = 2 * kSmallBufferBytes;
  static constexpr std::size_t kAdminBytes = kLargeBufferBytes;

  // Fills `out` and returns true, or returns false when the pool is short or others wait.
  // 0 < bytes <= kMaxBufferPieces * kLargeBufferBytes.
  bool try_take(Party& party, std::size_t bytes, Buffers& out);
  // Queues the waiter behind its party's others.
  void wait(Party& party, std::size_t bytes, Waiter& waiter);
  void cancel(Waiter& waiter);  // one whose granted() has not run
  void give_back(Party& party, Buffers& buffers);

  std::size_t held_bytes() const { return held_; }
  std::size_t mapped_bytes() const { return mapped_; }

  // The pool's memory is in maps of kMapBytes, which stay until it ends.  Which of maps() holds the byte;
  // empty: it is not the pool's.
  static constexpr std::size_t kMapBytes = 2 * 1024 * 1024;
  std::optional<std::size_t> map_of(const void* byte) const;
  std::span<const std::span<std::byte>> maps() const { return maps_; }

 private:
  static bool guaranteed(const Party& party, std::size_t bytes);
  bool admits(const Party& party, std::size_t bytes) const;
  void take(Party& party, std::size_t bytes, Buffers& out);
  void* take_piece(std::size_t piece_bytes);
  std::byte* add_map();
  void serve();

  Loop& loop_;
  std::size_t limit_;
  std::size_t held_ = 0;
  std::size_t mapped_ = 0;
  std::vector<void*> small_;
  std::vector<void*> large_;
  std::vector<std::span<std::byte>> maps_;
  std::unordered_map<std::uintptr_t, std::size_t> maps_by_place_;  // address / kMapBytes
  List<Party> waiting_;                                            // parties with waiters, in turn order
  List<Waiter> granted_;
  MemberTask<BufferPool, &BufferPool::serve> serve_{*this};
};

}  // namespace weft
