#include "sim/counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "sim/history.h"

namespace weft::sim {

namespace {

struct Stamp {
  std::uint64_t magic;
  std::uint64_t block;
  std::uint64_t step;
  std::uint64_t count;
};
constexpr std::uint64_t kMagic = 0x7265746E756F4355;
constexpr std::size_t kBlockBytes = History::kBlockBytes;

}  // namespace

Counters::Id Counters::begin(std::uint64_t block, Id before) {
  const Id step = next_++;
  steps_[step] = {.block = block, .before = before, .count = count_of(before) + 1, .outcome = std::nullopt};
  return step;
}

std::optional<std::string> Counters::end(Id step, Outcome outcome) {
  Step& ended = steps_.at(step);
  ended.outcome = outcome;
  if (outcome != Outcome::done) return std::nullopt;
  floors_[ended.block] = std::max(floors_[ended.block], ended.count);
  if (replaced_.emplace(ended.block, ended.before).second) return std::nullopt;
  return fmt::format("counter {}: {} was replaced twice, the second time by {}", ended.block, ended.before,
                     step);
}

void Counters::stamp(std::span<std::byte> data, std::uint64_t block, Id step) const {
  std::ranges::fill(data, std::byte{});
  if (step == 0) return;  // as the disk was in the beginning
  const Stamp stamp{kMagic, block, step, count_of(step)};
  // To its last byte, so that nothing of another block fits.
  for (std::size_t at = 0; at + sizeof stamp <= data.size(); at += sizeof stamp)
    std::memcpy(data.data() + at, &stamp, sizeof stamp);
}

Counters::Found Counters::look(std::uint64_t block, std::span<const std::byte> data,
                               std::uint64_t floor) const {
  Stamp stamp{};
  std::memcpy(&stamp, data.data(), sizeof stamp);
  const bool is_known =
      stamp.step == 0 || (steps_.contains(stamp.step) && steps_.at(stamp.step).block == block);
  std::byte whole[kBlockBytes];
  if (is_known) this->stamp(whole, block, stamp.step);
  if (!is_known || !std::equal(std::begin(whole), std::end(whole), data.begin()))
    return {0, fmt::format("counter {} holds what nobody wrote", block)};
  if (stamp.step != 0 && steps_.at(stamp.step).outcome == Outcome::refused)
    return {0, fmt::format("counter {} was set by {}, which had failed", block, stamp.step)};
  if (count_of(stamp.step) < floor)
    return {0, fmt::format("counter {} is {}, by {}, but was {} before", block, count_of(stamp.step),
                           stamp.step, floor)};
  return {stamp.step, std::nullopt};
}

std::optional<std::string> Counters::check_end(std::span<const std::byte> disk) const {
  std::set<Id> in_chain;
  for (std::uint64_t block = 0; block < blocks(); ++block) {
    const Found last = look(block, disk.subspan(block * kBlockBytes, kBlockBytes), floor(block));
    if (last.wrong) return last.wrong;
    for (Id step = last.step; step != 0; step = steps_.at(step).before) in_chain.insert(step);
  }
  for (const auto& [id, step] : steps_) {
    if (step.outcome == Outcome::done && !in_chain.contains(id))
      return fmt::format("counter {}: {} was acknowledged, but is lost", step.block, id);
    if (step.outcome == Outcome::refused && in_chain.contains(id))
      return fmt::format("counter {}: {} had failed, but took effect", step.block, id);
  }
  return std::nullopt;
}

}  // namespace weft::sim
