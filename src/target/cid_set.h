// The command ids in flight on one queue, to refuse one that is used twice.  Open addressing; one allocation,
// when the queue's size is known.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace weft::target {

class CidSet {
 public:
  static constexpr std::uint32_t kLeastRoom = 32;  // ids, whatever the limit

  // Empties it.  It is full with `entries` ids, and has room for kLeastRoom at least: those that were in
  // flight before the limit was known.
  void resize(std::uint32_t entries) {
    slots_.assign(std::bit_ceil(std::max(entries, kLeastRoom) * 2), kFree);
    limit_ = entries;
    size_ = 0;
  }

  bool full() const { return size_ >= limit_; }

  // False: it is there already.  Not beyond the room.
  bool insert(Cid cid) {
    std::size_t at = home(cid.value());
    for (; slots_[at] != kFree; at = next(at))
      if (slots_[at] == cid.value()) return false;
    slots_[at] = cid.value();
    ++size_;
    return true;
  }

  void erase(Cid cid) {
    std::size_t hole = home(cid.value());
    for (; slots_[hole] != cid.value(); hole = next(hole))
      if (slots_[hole] == kFree) return;
    --size_;
    // Close the gap: move up what would not be found across it.
    for (std::size_t at = next(hole); slots_[at] != kFree; at = next(at)) {
      const std::size_t want = home(slots_[at]);
      const bool between = hole <= at ? hole < want && want <= at : hole < want || want <= at;
      if (between) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = kFree;
  }

 private:
  static constexpr std::uint32_t kFree = 0xFFFFFFFF;
  std::size_t home(std::uint32_t cid) const { return (cid * 0x9E3779B1u >> 8) & (slots_.size() - 1); }
  std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  std::vector<std::uint32_t> slots_;
  std::size_t limit_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weft::target
