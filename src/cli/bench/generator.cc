#include "cli/bench/generator.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/call.h"
#include "cli/bench/stamp.h"
#include "wire/io_command.h"

namespace weft::cli::bench {

namespace {

using Clock = std::chrono::steady_clock;

std::byte* map_memory(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

}  // namespace

Generator::Generator(Run& run, host::IoQueue& queue, const host::NamespaceInfo& info, std::uint64_t first,
                     std::uint64_t count, std::uint64_t share, std::uint64_t number)
    : run_(run),
      queue_(queue),
      info_(info),
      first_(first),
      count_(count),
      places_(pattern_row(run.workload.pattern).random, first, count, run.workload.seed * 1000003 + number) {
  const Workload& workload = run.workload;
  const std::size_t bytes = workload.block_bytes;
  memory_ = map_memory(bytes * workload.depth);
  for (unsigned i = 0; i < workload.depth; ++i) {
    auto slot = std::make_unique<Slot>();
    slot->generator = this;
    slot->memory = memory_ + i * bytes;
    slot->piece = {slot->memory, bytes};
    slot->data = {&slot->piece, 1};
    slot->then = &Generator::on_done;
    // Writes that are not verified send what no target can compress or recognise as zeroes.
    stamp({slot->memory, bytes}, workload.seed, place(i), number + 1, i);
    slots_.push_back(std::move(slot));
  }
  if (workload.rate != 0)
    period_ =
        Duration(std::max<std::int64_t>(static_cast<std::int64_t>(1'000'000'000 * share / workload.rate), 1));
  if (workload.verify) {
    versions_.assign(count, 0);
    busy_.assign(count, false);
  }
}

Generator::~Generator() {
  ::munmap(memory_, std::size_t{run_.workload.block_bytes} * run_.workload.depth);
}

void Generator::start(std::move_only_function<void()> ended) {
  post_call(queue_.loop(), [this, its = std::move(ended)]() mutable { begin(std::move(its), false); });
}

void Generator::start_reading_back(std::move_only_function<void()> ended) {
  post_call(queue_.loop(), [this, its = std::move(ended)]() mutable { begin(std::move(its), true); });
}

void Generator::begin(std::move_only_function<void()> ended, bool reads_back) {
  ended_ = std::move(ended);
  reads_back_ = reads_back;
  due_ = queue_.loop().now();
  under_way_ = slots_.size();
  for (const auto& slot : slots_) next(*slot);
}

// The next command of a slot, or the slot's end.
void Generator::next(Slot& slot) {
  if (!failure_.empty() || (run_.stops && !reads_back_) || !choose(slot)) {
    if (--under_way_ == 0) std::exchange(ended_, {})();
    return;
  }
  if (period_ != Duration{} && !reads_back_) return rest(slot);
  submit(slot);
}

// With verification no two commands are under way in one block: what a read must find is then known.
bool Generator::choose(Slot& slot) {
  if (reads_back_) {
    while (back_at_ < count_ && versions_[back_at_] == 0) ++back_at_;
    if (back_at_ == count_) return false;
    slot.block = first_ + back_at_++;
    slot.is_read = true;
    return true;
  }
  const PatternName& pattern = pattern_row(run_.workload.pattern);
  slot.is_read = pattern.reads && (!pattern.writes || places_.reads(run_.workload.read_percent));
  slot.block = places_.next();
  if (!run_.workload.verify) return true;
  // There are more blocks than slots.
  while (busy_[slot.block - first_]) slot.block = first_ + (slot.block - first_ + 1) % count_;
  busy_[slot.block - first_] = true;
  return true;
}

void Generator::rest(Slot& slot) {
  resting_.push_back(&slot);
  if (!pace_.is_armed()) on_pace();
}

void Generator::on_pace() {
  Loop& loop = queue_.loop();
  while (!resting_.empty() && due_ <= loop.now()) {
    due_ += period_;
    Slot& slot = *resting_.back();
    resting_.pop_back();
    submit(slot);
  }
  if (!resting_.empty()) loop.arm(pace_, due_ - loop.now());
}

void Generator::submit(Slot& slot) {
  const std::uint32_t lbas = run_.workload.block_bytes / info_.block_bytes;
  const wire::ReadWrite command{.nsid = info_.nsid, .range = {.slba = slot.block * lbas, .blocks = lbas}};
  slot.sqe = slot.is_read ? wire::make_read(command) : wire::make_write(command);
  slot.began = Clock::now();
  if (run_.workload.verify && !slot.is_read)
    stamp({slot.memory, run_.workload.block_bytes}, run_.workload.seed, place(slot.block),
          ++versions_[slot.block - first_],
          static_cast<std::uint64_t>(slot.began.time_since_epoch().count()));
  queue_.submit(slot);
}

void Generator::on_done(host::Command& command) noexcept {
  auto& slot = static_cast<Slot&>(command);
  slot.generator->done(slot);
}

void Generator::done(Slot& slot) {
  if (!slot.ok()) {
    fail(fmt::format("{} of {} bytes at byte {}: {}", slot.is_read ? "Read" : "Write",
                     run_.workload.block_bytes, place(slot.block), slot.failure()));
    return next(slot);
  }
  if (run_.measures && !reads_back_) {
    const auto now = Clock::now();
    (slot.is_read ? reads_ : writes_)->record(static_cast<std::uint64_t>((now - slot.began).count()));
    if (last_end_ != Clock::time_point{}) longest_pause_ = std::max(longest_pause_, now - last_end_);
    last_end_ = now;
  }
  commands_.add(1);
  bytes_.add(run_.workload.block_bytes);
  if (run_.workload.verify) {
    if (slot.is_read) check_read(slot);
    if (!reads_back_) busy_[slot.block - first_] = false;
  }
  next(slot);
}

// What this run has not written may be of an earlier one with the same seed, when nothing is written at all.
void Generator::check_read(const Slot& slot) {
  const std::uint32_t version = versions_[slot.block - first_];
  if (version == 0 && pattern_row(run_.workload.pattern).writes) return;
  const Finding found =
      check({slot.memory, run_.workload.block_bytes}, run_.workload.seed, place(slot.block), version);
  ++verified_;
  if (found.verdict != Verdict::good) fail(finding_text(found, version));
}

void Generator::fail(std::string text) {
  if (failure_.empty()) failure_ = std::move(text);
  run_.stops = true;
}

}  // namespace weft::cli::bench
