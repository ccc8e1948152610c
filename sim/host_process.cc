#include "sim/host_process.h"

#include <fmt/format.h>

#include <utility>

#include "base/call.h"
#include "base/check.h"
#include "base/page_memory.h"
#include "wire/io_command.h"

namespace weft::sim {

namespace {

constexpr Duration kRetry = std::chrono::milliseconds(5);

host::Options options_of(const Scenario& scenario, unsigned index, Dice& dice) {
  host::Options options;
  options.identity.nqn = fmt::format("nqn.2024-01.sim:host{}", index);
  options.identity.id[0] = static_cast<std::uint8_t>(index + 1);
  options.address = {std::string(kTraddr), std::string(kTrsvcid), std::string(kNqn)};
  const bool random = scenario.digests == Digests::random;
  options.header_digest = random ? dice.one_in(2) : scenario.digests != Digests::none;
  options.data_digest = random ? dice.one_in(2) : scenario.digests == Digests::both;
  options.io_queues = static_cast<std::uint16_t>(scenario.queues);
  options.queue_entries = scenario.depth + 1;
  options.controller_loss_time = std::nullopt;
  options.reconnect_delay = std::chrono::milliseconds(200);
  options.patient = true;
  return options;
}

}  // namespace

struct HostProcess::Io : host::Command {
  Io(HostProcess& of, std::size_t on_queue)
      : process(of), queue(on_queue), memory(page_memory(of.scenario_.largest * History::kBlockBytes)) {}

  HostProcess& process;
  const std::size_t queue;
  const PageMemory memory;
  iovec piece{};
  enum class Kind : std::uint8_t { read, write, flush } kind = Kind::read;
  std::uint64_t lba = 0;
  std::uint64_t blocks = 0;
  History::Id write = 0;
  Time began{};
  bool is_started = false;  // its commands are on their way, one after the other
};

HostProcess::HostProcess(Internet& internet, const Scenario& scenario, const TargetProcess& target,
                         History& history, unsigned index)
    : world_(internet.world()),
      scenario_(scenario),
      target_(target),
      history_(history),
      index_(index),
      loops_(world_.add_process(fmt::format("host{}", index), scenario.host_loops)),
      networks_(internet, loops_, fmt::format("192.0.2.{}", 10 + index)),
      initiator_(networks_),
      left_(scenario.commands) {
  controller_.reset(
      new host::Controller(loops_, initiator_, options_of(scenario, index, world_.dice()), *this));
  for (std::size_t queue = 0; queue < scenario.queues; ++queue)
    for (unsigned i = 0; i < scenario.depth; ++i) ios_.push_back(std::make_unique<Io>(*this, queue));
  controller_->start();
}

HostProcess::~HostProcess() = default;

void HostProcess::on_live() {
  live_ = true;
  world_.note("{} is connected, controller {}", loops_.name(), controller_->cntlid().value());
  // What is fenced is what connections have left behind that the target knows to have ended.
  if (target_.controllers_of(controller_->options().identity.nqn) == 1)
    history_.host_is_back(index_, world_.now());
  WEFT_CHECK(controller_->io_queues() == scenario_.queues, "the target grants as many queues");
  for (const auto& io : ios_) {
    if (std::exchange(io->is_started, true)) continue;
    post_call(controller_->io_queue(io->queue).loop(), [this, its = io.get()] { start(*its); });
  }
}

void HostProcess::on_lost(const Error& why) {
  live_ = false;
  ++losses_;
  world_.note("{} has lost its controller: {}", loops_.name(), why.message);
}

void HostProcess::on_gone(const Error& why) {
  gone_ = true;
  live_ = false;
  if (why.code != 0) check(fmt::format("its controller has gone for good: {}", why.message));
}

void HostProcess::retry(Io& io) {
  world_.after(
      kRetry, [this, &io] { post_call(controller_->io_queue(io.queue).loop(), [this, &io] { start(io); }); });
}

void HostProcess::start(Io& io) {
  if (left_ == 0) return;
  if (!live_) return retry(io);
  --left_;
  ++under_way_;
  submit(io);
}

void HostProcess::submit(Io& io) {
  Dice& dice = world_.dice();
  const std::uint64_t roll = dice.below(20);
  io.kind = roll < 9 ? Io::Kind::read : roll < 19 ? Io::Kind::write : Io::Kind::flush;
  io.blocks = 1 + dice.below(dice.one_in(2) ? scenario_.largest : std::min(scenario_.largest, 2u));
  io.lba = dice.below(scenario_.disk.blocks - io.blocks + 1);
  io.began = world_.now();
  io.piece = {io.memory.get(), io.blocks * History::kBlockBytes};
  io.data = {&io.piece, io.kind == Io::Kind::flush ? 0u : 1u};
  io.tries_left = 0;
  const wire::ReadWrite range{.nsid = kNsid, .range = {io.lba, static_cast<std::uint32_t>(io.blocks)}};
  switch (io.kind) {
    case Io::Kind::read:
      io.sqe = wire::make_read(range);
      break;
    case Io::Kind::write:
      io.write = history_.begin_write(index_, io.lba, io.blocks, io.began);
      History::stamp({io.memory.get(), io.piece.iov_len}, io.write, io.lba);
      io.sqe = wire::make_write(range);
      break;
    case Io::Kind::flush:
      io.sqe = wire::make_flush({.nsid = kNsid});
      break;
  }
  io.then = [](host::Command& command) noexcept {
    auto& ended = static_cast<Io&>(command);
    ended.process.ended(ended);
  };
  controller_->io_queue(io.queue).submit(io);
}

void HostProcess::ended(Io& io) {
  const bool lost = io.end == fabric::HostCommand::End::lost;
  const Time now = world_.now();
  unsuccessful_ += !io.ok();
  static constexpr const char* kNames[] = {"read", "write", "flush"};
  world_.note("{} {} {}+{}{}: {}", loops_.name(), kNames[static_cast<int>(io.kind)], io.lba, io.blocks,
              io.kind == Io::Kind::write ? fmt::format(" as {}", io.write) : "",
              io.ok() ? "ok" : io.failure());
  if (io.kind == Io::Kind::write) {
    const auto outcome = io.ok() ? History::Outcome::done
                         : lost  ? History::Outcome::lost
                                 : History::Outcome::failed;
    history_.end_write(io.write, outcome, now);
  }
  if (io.kind == Io::Kind::read && io.ok())
    check(history_.check_read(io.lba, {io.memory.get(), io.piece.iov_len}, io.began, now));
  if (io.end == fabric::HostCommand::End::damaged) check("data came damaged, which this network never does");
  --under_way_;
  if (lost) return retry(io);
  start(io);
}

void HostProcess::check(std::optional<std::string> wrong) {
  if (!wrong || !violation_.empty()) return;
  violation_ = fmt::format("{}: {}", loops_.name(), *wrong);
  world_.note("VIOLATION {}", violation_);
}

std::string HostProcess::state() const {
  return fmt::format("{} is {}, {} commands under way, {} to come", loops_.name(),
                     gone_   ? "gone"
                     : live_ ? "connected"
                             : "not connected",
                     under_way_, left_);
}

}  // namespace weft::sim
