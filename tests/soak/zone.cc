#include "soak/zone.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::soak {

namespace {

constexpr std::uint64_t kBlock = sim::History::kBlockBytes;
constexpr std::uint64_t kMostBytes = 64 << 10;  // of one command
constexpr std::uint64_t kFlushOneIn = 128;
constexpr std::uint64_t kForcedOneIn = 16;
constexpr unsigned kSeedShift = 32;  // no two zones write the same
constexpr int kTries = 8;            // for a place that nobody is writing

using Kind = client::Command::Kind;

std::string_view name(Kind kind) {
  return kind == Kind::read ? "read" : kind == Kind::write ? "write" : "flush";
}

}  // namespace

// Histories count from their start, at one second.
Time now() {
  static const auto start = std::chrono::steady_clock::now();
  return Time(std::chrono::seconds(1) + (std::chrono::steady_clock::now() - start));
}

struct Zone::Slot {
  client::Command command;
  PageMemory memory = page_memory(kMostBytes);
  bool is_under_way = false;
  std::uint64_t first = 0;  // granules
  std::uint64_t count = 0;
  sim::History::Id id = 0;
  Time began{};
};

Zone::Zone(client::Namespace& disk, const ZoneOptions& options,
           std::function<void(const std::string&)> tell_wrong)
    : disk_(disk),
      options_(options),
      granule_blocks_(std::max<std::uint64_t>(disk.block_bytes(), kBlock) / kBlock),
      granules_(options.bytes / kBlock / granule_blocks_),
      tell_wrong_(std::move(tell_wrong)),
      history_(granules_ * granule_blocks_, options.seed << kSeedShift | 1),
      dice_(options.seed),
      written_now_(granules_) {
  for (unsigned i = 0; i < options.depth; ++i) slots_.push_back(std::make_unique<Slot>());
}

Zone::~Zone() = default;

void Zone::run() {
  const std::scoped_lock lock(mutex_);
  mode_ = Mode::running;
  last_end_ = now();
  fill();
}

void Zone::hold() {
  std::unique_lock lock(mutex_);
  mode_ = Mode::held;
  idle_.wait(lock, [this] { return under_way_ == 0; });
}

void Zone::work(Mode mode) {
  hold();
  std::unique_lock lock(mutex_);
  mode_ = mode;
  fill();
  idle_.wait(lock, [this] { return under_way_ == 0; });
  mode_ = Mode::held;
}

void Zone::sweep() {
  cursor_ = 0;
  work(Mode::sweeping);
}

void Zone::rewrite(std::uint64_t from_byte) {
  const std::uint64_t from = from_byte - std::min(from_byte, options_.first_byte);
  cursor_ = std::min(granules_, from / kBlock / granule_blocks_);
  work(Mode::rewriting);
}

void Zone::allow(unsigned commands) {
  const std::scoped_lock lock(mutex_);
  allowed_ = std::min(allowed_ + commands, 4 * commands);
  fill();
}

void Zone::trust_below(std::uint64_t byte) {
  const std::scoped_lock lock(mutex_);
  trusted_end_ = byte;
}

void Zone::power_lost() {
  const std::scoped_lock lock(mutex_);
  power_lost_at_ = now();
  history_.target_died(true, power_lost_at_, sim::History::OnTheWay::sent_again);
}

ZoneCounts Zone::look() {
  const std::scoped_lock lock(mutex_);
  if (mode_ == Mode::running) counts_.gap = std::max(counts_.gap, now() - last_end_);
  ZoneCounts seen = counts_;
  counts_.gap = {};
  return seen;
}

void Zone::fill() {
  for (auto& slot : slots_) {
    if (mode_ == Mode::held || (mode_ == Mode::running && allowed_ == 0)) return;
    if (slot->is_under_way) continue;
    if (!(mode_ == Mode::running ? choose(*slot) : next_in_order(*slot))) return;
    if (mode_ == Mode::running) --allowed_;
    submit(*slot);
  }
}

bool Zone::choose(Slot& slot) {
  slot.command.force_unit_access = false;
  if (dice_.one_in(kFlushOneIn)) {
    slot.command.kind = Kind::flush;
    return true;
  }
  const std::uint64_t most = std::max<std::uint64_t>(1, kMostBytes / kBlock / granule_blocks_);
  // Small ones are common, as elsewhere.
  slot.count =
      std::min(granules_, 1 + dice_.below(dice_.one_in(8) ? most : std::max<std::uint64_t>(1, most / 8)));
  slot.first = dice_.below(granules_ - slot.count + 1);
  if (dice_.one_in(2) && choose_write(slot)) return true;
  slot.command.kind = Kind::read;
  return true;
}

bool Zone::choose_write(Slot& slot) {
  for (int i = 0; i < kTries; ++i, slot.first = dice_.below(granules_ - slot.count + 1)) {
    const auto begin = written_now_.begin() + static_cast<std::ptrdiff_t>(slot.first);
    if (std::find(begin, begin + static_cast<std::ptrdiff_t>(slot.count), true) !=
        begin + static_cast<std::ptrdiff_t>(slot.count))
      continue;
    slot.command.kind = Kind::write;
    slot.command.force_unit_access = dice_.one_in(kForcedOneIn);
    return true;
  }
  return false;
}

bool Zone::next_in_order(Slot& slot) {
  if (cursor_ == granules_) return false;
  slot.command.kind = mode_ == Mode::sweeping ? Kind::read : Kind::write;
  slot.command.force_unit_access = false;
  slot.first = cursor_;
  slot.count = std::min(granules_ - cursor_, kMostBytes / kBlock / granule_blocks_);
  cursor_ += slot.count;
  return true;
}

void Zone::submit(Slot& slot) {
  const std::uint64_t lba = slot.first * granule_blocks_, blocks = slot.count * granule_blocks_;
  slot.began = now();
  slot.command.data.clear();
  if (slot.command.kind != Kind::flush) {
    slot.command.offset = options_.first_byte + lba * kBlock;
    slot.command.data.push_back({slot.memory.get(), blocks * kBlock});
  }
  if (slot.command.kind == Kind::write) {
    slot.id = history_.begin_write(0, lba, blocks, slot.began);
    sim::History::stamp({slot.memory.get(), blocks * kBlock}, slot.id, lba);
    mark_written(slot, true);
  }
  slot.command.done = [this, &slot](client::Command&) { ended(slot); };
  slot.is_under_way = true;
  ++under_way_;
  disk_.submit(slot.command, dice_.below(disk_.queues()));
}

void Zone::ended(Slot& slot) {
  const std::scoped_lock lock(mutex_);
  const Time at = now();
  const client::Command& command = slot.command;
  slot.is_under_way = false;
  --under_way_;
  if (mode_ == Mode::running) counts_.gap = std::max(counts_.gap, at - last_end_);
  last_end_ = at;
  using Outcome = sim::History::Outcome;
  if (command.kind == Kind::write) {
    mark_written(slot, false);
    const bool lost = !command.ok() && command.status() == 0;
    history_.end_write(slot.id,
                       command.ok() ? Outcome::done
                       : lost       ? Outcome::lost
                                    : Outcome::failed,
                       command.force_unit_access, at);
  }
  if (!command.ok()) {
    const unsigned status = command.status();
    ++counts_.failed[status == 0
                         ? fmt::format("{} lost", name(command.kind))
                         : fmt::format("{} {:x}:{:02x}", name(command.kind), status >> 8 & 7, status & 0xFF)];
  } else if (command.kind == Kind::read) {
    read_ended(slot, at);
  } else {
    ++counts_.done;
    // One that was sent again flushed what was there then, which is less than was acknowledged before it
    // began.
    if (command.kind == Kind::flush && slot.began > power_lost_at_) {
      history_.flushed(slot.began);
      history_.forget(oldest_read());
    }
  }
  fill();
  if (under_way_ == 0) idle_.notify_all();
}

void Zone::read_ended(Slot& slot, Time at) {
  const std::uint64_t lba = slot.first * granule_blocks_, bytes = slot.count * granule_blocks_ * kBlock;
  if (slot.command.offset + bytes > trusted_end_) return;
  if (const auto wrong = history_.check_read(lba, {slot.memory.get(), bytes}, slot.began, at)) {
    ++counts_.wrong;
    return tell_wrong_(fmt::format("byte {} on, {} bytes: {}", slot.command.offset, bytes, *wrong));
  }
  ++counts_.done;
}

void Zone::mark_written(const Slot& slot, bool under_way) {
  std::fill_n(written_now_.begin() + static_cast<std::ptrdiff_t>(slot.first), slot.count, under_way);
}

Time Zone::oldest_read() const {
  Time oldest = now();
  for (const auto& slot : slots_)
    if (slot->is_under_way && slot->command.kind == Kind::read) oldest = std::min(oldest, slot->began);
  return oldest;
}

}  // namespace weft::soak
