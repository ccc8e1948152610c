#include "sim/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace weft::sim {

namespace {

constexpr std::size_t kWords = History::kBlockBytes / sizeof(std::uint64_t);

std::uint64_t word(History::Id id, std::uint64_t lba, std::size_t index) {
  if (id == 0) return 0;  // never written
  if (index == 0) return id;
  std::uint64_t value = (id * 0x9E3779B97F4A7C15 + lba) * 0xBF58476D1CE4E5B9 + index;
  return value ^ (value >> 29);
}

double ms(Time time) {
  constexpr double kPerMs = 1e6;
  return static_cast<double>(time.time_since_epoch().count()) / kPerMs - 1000;
}

}  // namespace

History::History(std::uint64_t blocks, Id first) : blocks_(blocks), next_(first) {
  for (auto& each : blocks_) each.push_back({.ordered_by = Time::min(), .effective_by = Time::min()});
}

void History::stamp(std::span<std::byte> data, Id id, std::uint64_t lba) {
  for (std::size_t at = 0; at < data.size(); at += kBlockBytes, ++lba) {
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint64_t value = word(id, lba, i);
      std::memcpy(data.data() + at + i * sizeof value, &value, sizeof value);
    }
  }
}

std::optional<History::Id> History::stamp_of(std::span<const std::byte> block, std::uint64_t lba) {
  std::uint64_t words[kWords];
  std::memcpy(words, block.data(), sizeof words);
  for (std::size_t i = 1; i < kWords; ++i)
    if (words[i] != word(words[0], lba, i)) return std::nullopt;
  return words[0];
}

History::Value* History::find(std::uint64_t lba, Id id) {
  auto& values = blocks_.at(lba);
  const auto found = std::ranges::find(values, id, &Value::id);
  return found == values.end() ? nullptr : &*found;
}

History::Id History::begin_write(unsigned host, std::uint64_t lba, std::uint64_t blocks, Time now,
                                 Sent sent) {
  const Id id = next_++;
  writes_[id] = {.host = host, .lba = lba, .blocks = blocks, .began = now};
  for (std::uint64_t at = lba; at < lba + blocks; ++at)
    blocks_.at(at).push_back({.id = id, .began = now, .may_come_again = sent == Sent::perhaps_twice});
  return id;
}

void History::was_sent_once(Id id) {
  const Write& write = writes_.at(id);
  for (std::uint64_t lba = write.lba; lba < write.lba + write.blocks; ++lba)
    find(lba, id)->may_come_again = false;
}

void History::took_effect(Value& value, Time by) {
  if (!value.may_come_again) value.ordered_by = std::min(value.ordered_by, by);
}

void History::end_write(Id id, Outcome outcome, bool durable, Time now) {
  Write& write = writes_.at(id);
  if (outcome == Outcome::lost) {
    write.is_lost = true;
    return;
  }
  for (std::uint64_t lba = write.lba; lba < write.lba + write.blocks; ++lba) {
    Value& own = *find(lba, id);
    took_effect(own, now);
    if (outcome == Outcome::failed || (is_outdated(write.began) && !durable)) continue;
    own.effective_by = std::min(own.effective_by, now);
    own.acknowledged_at = now;
    own.durable |= durable;
    for (Value& each : blocks_[lba])
      if (each.ordered_by < write.began) each.dead_from = std::min(each.dead_from, now);
  }
  if (find(write.lba, id)->may_come_again)
    write.is_lost = true;
  else
    writes_.erase(id);
}

void History::flushed(Time began) {
  for (auto& values : blocks_)
    for (Value& each : values) each.durable |= each.acknowledged_at < began;
}

void History::target_died(bool power, Time now, OnTheWay on_the_way) {
  for (const auto& [id, write] : writes_)
    if (on_the_way == OnTheWay::gone || write.is_lost) comes_no_more(id, write, now);
  if (!power) return;
  ++power_losses_;
  power_lost_at_ = now;
  for (auto& values : blocks_) lose_power(values, now, on_the_way);
}

bool History::is_on_the_way(Id id) const {
  const auto found = writes_.find(id);
  return found != writes_.end() && !found->second.is_lost;
}

void History::lose_power(std::vector<Value>& values, Time now, OnTheWay on_the_way) const {
  for (Value& each : values)
    each.impossible |= std::ranges::any_of(
        values, [&each](const Value& other) { return other.durable && each.ordered_by < other.began; });
  for (Value& each : values) {
    if (each.impossible) continue;
    // A later flush says nothing of it: it may be undone by now.
    if (!each.durable) each.acknowledged_at = Time::max();
    if (on_the_way == OnTheWay::sent_again && is_on_the_way(each.id)) {
      // It may have taken effect before and be undone: it does so again, at any time.
      each.ordered_by = each.effective_by = each.dead_from = Time::max();
      continue;
    }
    each.left_by = power_losses_;
    each.ordered_by = each.effective_by = std::min(each.ordered_by, now);
    each.dead_from = Time::max();
  }
}

void History::host_is_back(unsigned host, Time now) {
  std::erase_if(writes_, [&](const auto& each) {
    const auto& [id, write] = each;
    const bool is_over = write.is_lost && write.host == host;
    if (is_over) comes_first(id, write, now);
    return is_over;
  });
}

void History::host_is_off(unsigned host, Time now) {
  for (const auto& [id, write] : writes_)
    if (write.host == host) comes_no_more(id, write, now);
}

void History::forget(Time before) {
  for (auto& values : blocks_) {
    Time durable = Time::min();
    for (const Value& each : values)
      if (each.durable) durable = std::max(durable, each.began);
    std::erase_if(values, [&](const Value& each) {
      return each.dead_from <= before && each.ordered_by < durable && !writes_.contains(each.id);
    });
  }
}

void History::comes_first(Id id, const Write& write, Time now) {
  for (std::uint64_t lba = write.lba; lba < write.lba + write.blocks; ++lba) {
    Value& value = *find(lba, id);
    value.ordered_by = std::min(value.ordered_by, now);
  }
}

void History::comes_no_more(Id id, const Write& write, Time now) {
  comes_first(id, write, now);
  for (std::uint64_t lba = write.lba; lba < write.lba + write.blocks; ++lba) {
    Value& value = *find(lba, id);
    // Until now it may have come again, and replaced what it was seen before.
    if (value.may_come_again && value.effective_by != Time::max()) value.effective_by = now;
    value.may_come_again = false;
  }
}

std::optional<std::string> History::check_read(std::uint64_t lba, std::span<const std::byte> data, Time began,
                                               Time now) {
  WEFT_CHECK(data.size() % kBlockBytes == 0);
  for (std::size_t at = 0; at < data.size(); at += kBlockBytes, ++lba) {
    const auto id = stamp_of(data.subspan(at, kBlockBytes), lba);
    if (!id) return fmt::format("block {} holds no data that was ever written to it", lba);
    if (auto wrong = check_block(lba, *id, began, now)) return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> History::check_block(std::uint64_t lba, Id id, Time began, Time now) {
  Value* const value = find(lba, id);
  if (value == nullptr)
    return fmt::format("block {} holds write {}, which was not for it or is long replaced", lba, id);
  if (value->dead_from <= began)
    return fmt::format(
        "block {} holds write {} (begun at {:.3f} ms), which another had replaced by {:.3f} ms; this "
        "read began at {:.3f} ms",
        lba, id, ms(value->began), ms(value->dead_from), ms(began));
  if (is_outdated(began)) return std::nullopt;
  took_effect(*value, now);
  value->effective_by = std::min(value->effective_by, now);
  for (Value& each : blocks_[lba]) {
    if (each.id == id) continue;
    if (each.effective_by < began && !each.may_come_again) each.dead_from = std::min(each.dead_from, now);
    if (value->left_by != 0 && each.left_by == value->left_by) each.impossible = true;
  }
  return std::nullopt;
}

}  // namespace weft::sim
