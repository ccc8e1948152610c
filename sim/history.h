// What each block may hold, given what hosts wrote and were told, and whether what they read fits: is there
// an order of all writes and reads in which each took effect at one moment between its begin and its end?
//
// A write whose end is unknown (its connection was lost) may take effect at any later time, but not after a
// write that the same host began once its controller was back: late writes are fenced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/loop.h"

namespace weft::sim {

class History {
 public:
  using Id = std::uint64_t;
  enum class Outcome : std::uint8_t {
    done,
    failed,  // each block may have been written until now, or never
    lost,
  };
  static constexpr std::size_t kBlockBytes = 512;

  explicit History(std::uint64_t blocks);

  Id begin_write(unsigned host, std::uint64_t lba, std::uint64_t blocks, Time now);
  void end_write(Id id, Outcome outcome, Time now);
  void host_is_back(unsigned host, Time now);
  // What is wrong with it; empty: nothing.
  std::optional<std::string> check_read(std::uint64_t lba, std::span<const std::byte> data, Time began,
                                        Time now);

  static void stamp(std::span<std::byte> data, Id id, std::uint64_t lba);  // whole blocks

 private:
  struct Value {
    Id id = 0;
    Time began = Time::min();
    // It took effect before these, if at all, and at any rate.
    Time ordered_by = Time::max();
    Time effective_by = Time::max();
    Time dead_from = Time::max();  // reads that begin later do not return it
  };
  struct Write {
    unsigned host = 0;
    std::uint64_t lba = 0;
    std::uint64_t blocks = 0;
    Time began{};
    bool is_lost = false;
  };
  static std::optional<Id> stamp_of(std::span<const std::byte> block, std::uint64_t lba);
  Value* find(std::uint64_t lba, Id id);
  std::optional<std::string> check_block(std::uint64_t lba, Id id, Time began, Time now);

  std::vector<std::vector<Value>> blocks_;
  std::map<Id, Write> writes_;  // not ended, or lost
  Id next_ = 1;
};

}  // namespace weft::sim
