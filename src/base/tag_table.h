// Numbers of 16 bits that stand for objects while something with them is under way.  A tag's upper bits are a
// generation, so that what comes late for an earlier use does not hit the next one.  Belongs to one loop.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"

namespace weft {

template <class T>
class TagTable {
 public:
  static constexpr std::uint32_t kMost = 4096;

  // Empty when all are taken.
  std::optional<std::uint16_t> take(T& object) {
    if (free_ == kNone) {
      if (slots_.size() == kMost) return std::nullopt;
      slots_.push_back({});
      free_ = static_cast<std::uint16_t>(slots_.size() - 1);
    }
    const std::uint16_t index = free_;
    Slot& slot = slots_[index];
    free_ = slot.next;
    slot.object = &object;
    ++taken_;
    return static_cast<std::uint16_t>(slot.generation << kIndexBits | index);
  }

  // Null for a tag that is not in use.
  T* find(std::uint16_t tag) const {
    const std::uint32_t index = tag % kMost;
    if (index >= slots_.size() || slots_[index].generation != tag >> kIndexBits) return nullptr;
    return slots_[index].object;
  }

  void give_back(std::uint16_t tag) {
    WEFT_CHECK(find(tag) != nullptr, "a tag is given back once");
    Slot& slot = slots_[tag % kMost];
    slot.object = nullptr;
    slot.generation = (slot.generation + 1u) % kGenerations;
    slot.next = free_;
    free_ = static_cast<std::uint16_t>(tag % kMost);
    --taken_;
  }

  std::uint32_t taken() const { return taken_; }

 private:
  static constexpr unsigned kIndexBits = 12;
  static constexpr std::uint32_t kGenerations = 1u << (16 - kIndexBits);
  static constexpr std::uint16_t kNone = 0xFFFF;
  static_assert(kMost == 1u << kIndexBits);
  struct Slot {
    T* object = nullptr;
    std::uint16_t generation = 0;
    std::uint16_t next = kNone;  // of the free ones
  };
  std::vector<Slot> slots_;
  std::uint32_t taken_ = 0;
  std::uint16_t free_ = kNone;
};

}  // namespace weft
