// Transfer tags of one connection: which command an H2CData PDU belongs to.  A tag's upper bits are a
// generation, so that a late PDU of an earlier transfer does not hit the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"

namespace weft::tcp {

struct TcpCommand;

class Tags {
 public:
  static constexpr std::uint32_t kMost = 4096;

  // Empty when all are taken.
  std::optional<std::uint16_t> take(TcpCommand& command) {
    if (free_ == kNone) {
      if (slots_.size() == kMost) return std::nullopt;
      slots_.push_back({});
      free_ = static_cast<std::uint16_t>(slots_.size() - 1);
    }
    const std::uint16_t index = free_;
    Slot& slot = slots_[index];
    free_ = slot.next;
    slot.command = &command;
    ++taken_;
    return static_cast<std::uint16_t>(slot.generation << kIndexBits | index);
  }

  // Null for a tag that is not in use.
  TcpCommand* find(std::uint16_t tag) const {
    const std::uint32_t index = tag % kMost;
    if (index >= slots_.size() || slots_[index].generation != tag >> kIndexBits) return nullptr;
    return slots_[index].command;
  }

  void give_back(std::uint16_t tag) {
    WEFT_CHECK(find(tag) != nullptr, "a tag is given back once");
    Slot& slot = slots_[tag % kMost];
    slot.command = nullptr;
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
    TcpCommand* command = nullptr;
    std::uint16_t generation = 0;
    std::uint16_t next = kNone;  // of the free ones
  };
  std::vector<Slot> slots_;
  std::uint32_t taken_ = 0;
  std::uint16_t free_ = kNone;
};

}  // namespace weft::tcp
