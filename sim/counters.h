// Counters that hosts count up by Compare and Write: each block of a few holds a count and who left it there.
// Whoever counts has read the block, and replaces just what it has read.  So all that took effect is one
// chain from zero, and whatever was acknowledged is in it: two that replaced the same were not carried out as
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace weft::sim {

class Counters {
 public:
  using Id = std::uint64_t;  // of a step; 0: nobody has counted yet
  enum class Outcome : std::uint8_t { done, refused, unknown };

  explicit Counters(std::uint64_t blocks) : floors_(blocks) {}

  std::uint64_t blocks() const { return floors_.size(); }

  // A step that is to replace `before`, which somebody has read.
  Id begin(std::uint64_t block, Id before);
  // What is wrong; empty: nothing.
  std::optional<std::string> end(Id step, Outcome outcome);

  // What a read that begins now must find at least.
  std::uint64_t floor(std::uint64_t block) const { return floors_.at(block); }
  // The step that the block holds; `wrong` says why it cannot.
  struct Found {
    Id step = 0;
    std::optional<std::string> wrong;
  };
  Found look(std::uint64_t block, std::span<const std::byte> data, std::uint64_t floor) const;

  // With nothing under way any more.
  std::optional<std::string> check_end(std::span<const std::byte> disk) const;

  // Makes one block.
  void stamp(std::span<std::byte> data, std::uint64_t block, Id step) const;

 private:
  struct Step {
    std::uint64_t block = 0;
    Id before = 0;
    std::uint64_t count = 0;
    std::optional<Outcome> outcome;  // empty: under way
  };
  std::uint64_t count_of(Id step) const { return step == 0 ? 0 : steps_.at(step).count; }

  std::map<Id, Step> steps_;
  std::set<std::pair<std::uint64_t, Id>> replaced_;  // what was, by an acknowledged step
  std::vector<std::uint64_t> floors_;                // the largest count acknowledged
  Id next_ = 1;
};

}  // namespace weft::sim
