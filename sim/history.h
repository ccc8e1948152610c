// What each block may hold, given what hosts wrote and were told, and whether what they read fits: is there
// an order of all writes and reads in which each took effect at one moment between its begin and its end?
//
// A write whose end is unknown (its connection was lost) may take effect at any later time, but not after a
// write that the same host began once its controller was back: late writes are fenced.
//
// A host with several paths sends a write that one of them lost again by another one, at once.  The first
// sending may still be on its way, and take effect once more, but not after a write that began when the
// target knew that its connection had ended.
//
// Where power is lost, writes that were acknowledged may be undone, unless they were durable: written so, or
// acknowledged before a flush began that was.
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

  // `first`: the id of the first write, for histories side by side.
  explicit History(std::uint64_t blocks, Id first = 1);

  enum class Sent : std::uint8_t { once, perhaps_twice };
  Id begin_write(unsigned host, std::uint64_t lba, std::uint64_t blocks, Time now, Sent sent = Sent::once);
  // Before its end.
  void was_sent_once(Id id);
  void end_write(Id id, Outcome outcome, bool durable, Time now);
  void flushed(Time began);
  void host_is_back(unsigned host, Time now);
  // Nothing that it has sent has any effect from now on.
  void host_is_off(unsigned host, Time now);
  // What was on its way to the target, and within it, has no effect any more, unless its host sends it again
  // by itself and has no answer yet; with `power` what was not durable may be undone.
  enum class OnTheWay : std::uint8_t { gone, sent_again };
  void target_died(bool power, Time now, OnTheWay on_the_way = OnTheWay::gone);
  // Drops what no read that begins at `before` or later may return, not even after a loss of power; for runs
  // that last.  Reads that began earlier have ended.
  void forget(Time before);
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
    Time acknowledged_at = Time::max();
    bool durable = false;
    bool may_come_again = false;  // at any time
    // The last loss of power that may have left just this one; 0: none yet.
    unsigned left_by = 0;
    bool impossible = false;  // not even another loss of power brings it back
  };
  struct Write {
    unsigned host = 0;
    std::uint64_t lba = 0;
    std::uint64_t blocks = 0;
    Time began{};
    bool is_lost = false;  // or one sending of it is, its host having its answer
  };
  static std::optional<Id> stamp_of(std::span<const std::byte> block, std::uint64_t lba);
  Value* find(std::uint64_t lba, Id id);
  std::optional<std::string> check_block(std::uint64_t lba, Id id, Time began, Time now);
  void lose_power(std::vector<Value>& values, Time now, OnTheWay on_the_way) const;
  bool is_on_the_way(Id id) const;
  // Writes that begin later come behind it.
  void comes_first(Id id, const Write& write, Time now);
  void comes_no_more(Id id, const Write& write, Time now);
  void took_effect(Value& value, Time by);
  // Its answer was on the way when power was lost: what it found or did may be undone since.
  bool is_outdated(Time began) const { return began < power_lost_at_; }

  std::vector<std::vector<Value>> blocks_;
  std::map<Id, Write> writes_;  // not ended, or lost
  Id next_;
  unsigned power_losses_ = 0;
  Time power_lost_at_ = Time::min();
};

}  // namespace weft::sim
