#include "sim/host_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/call.h"
#include "base/check.h"
#include "base/page_memory.h"
#include "wire/io_command.h"

namespace weft::sim {

namespace {

constexpr Duration kRetry = std::chrono::milliseconds(5);
constexpr Duration kComeBack = std::chrono::milliseconds(30);

}  // namespace

struct HostProcess::Io : host::Command {
  Io(HostProcess& of, Life& in, std::size_t on_queue)
      : process(of),
        life(in),
        queue(on_queue),
        memory(page_memory(std::max(of.scenario_.largest, 2u) * History::kBlockBytes)) {}

  HostProcess& process;
  Life& life;
  const std::size_t queue;
  const PageMemory memory;
  iovec piece{};
  enum class Kind : std::uint8_t { read, write, flush, look, count } kind = Kind::read;
  std::uint64_t lba = 0;
  std::uint64_t blocks = 0;
  bool fua = false;
  std::optional<History::Id> write;  // under way
  // Of a counter: what a look is to find at least, and the step that takes place of what it found.
  std::uint64_t floor = 0;
  std::optional<Counters::Id> step;
  host::Command second;
  iovec second_piece{};
  Time began{};
  bool is_started = false;  // its commands are on their way, one after the other
  bool is_under_way = false;
};

HostProcess::Life::Life(HostProcess& process)
    : loops(process.scenario_.loop_transport
                ? process.target_.loops()
                : process.world_.add_process(process.name_, process.scenario_.host_loops)),
      networks(process.internet_, loops, fmt::format("192.0.2.{}", 10 + process.index_)),
      tcp(networks) {
  for (std::size_t queue = 0; queue < process.scenario_.queues; ++queue)
    for (unsigned i = 0; i < process.scenario_.depth; ++i)
      ios.push_back(std::make_unique<Io>(process, *this, queue));
}

HostProcess::HostProcess(Internet& internet, const Scenario& scenario, TargetProcess& target,
                         Knowledge& knowledge, unsigned index)
    : internet_(internet),
      world_(internet.world()),
      scenario_(scenario),
      target_(target),
      history_(knowledge.history),
      counters_(knowledge.counters),
      index_(index),
      name_(fmt::format("host{}", index)),
      nqn_(hostnqn_of(index)),
      flushes_(5u << (2 * world_.dice().below(3))),
      durable_(2u << (2 * world_.dice().below(3))),
      left_(scenario.commands) {
  start();
}

HostProcess::~HostProcess() {
  if (scenario_.paths > 1) die();
}

void HostProcess::die() {
  life_->link->die();
  world_.kill(life_->loops);
  bury(std::move(life_));
}

host::Options HostProcess::options() const {
  Dice& dice = world_.dice();
  host::Options options;
  options.identity.nqn = nqn_;
  options.identity.id[0] = static_cast<std::uint8_t>(index_ + 1);
  options.address.subnqn = kNqn;
  if (!scenario_.loop_transport) options.address = {std::string(kTraddr), trsvcid_of(0), std::string(kNqn)};
  const bool random = scenario_.digests == Digests::random;
  options.header_digest = random ? dice.one_in(2) : scenario_.digests != Digests::none;
  options.data_digest = random ? dice.one_in(2) : scenario_.digests == Digests::both;
  options.io_queues = static_cast<std::uint16_t>(scenario_.queues);
  const unsigned least = scenario_.counters > 0 ? 3 : 2;  // two commands of a pair
  options.queue_entries = std::max(least, scenario_.depth + 1 - static_cast<unsigned>(dice.below(3)));
  options.controller_loss_time = std::nullopt;
  options.reconnect_delay = std::chrono::milliseconds(dice.one_in(2) ? 1 : 200);
  options.patient = true;
  return options;
}

void HostProcess::start() {
  if (is_up()) return;
  world_.note("{} starts", name_);
  life_ = std::make_unique<Life>(*this);
  life_->link = connect(*life_);
}

std::unique_ptr<Link> HostProcess::connect(Life& life) {
  host::Options wanted = options();
  if (scenario_.loop_transport)
    return connect_controller(life.loops, target_.loop_initiator(), wanted, *this);
  if (scenario_.paths == 1) return connect_controller(life.loops, life.tcp, wanted, *this);
  host::NamespaceOptions all{.nsid = kNsid};
  for (std::size_t i = 0; i < scenario_.paths; ++i) {
    wanted.address.trsvcid = trsvcid_of(i);
    all.ways.push_back({&life.tcp, wanted});
  }
  return connect_paths(world_, life.loops, std::move(all), *this);
}

void HostProcess::kill() {
  if (!is_up() || gone_) return;
  world_.note("{} is killed", name_);
  live_ = false;
  has_past_ = scenario_.paths > 1;
  for (const auto& io : life_->ios) {
    if (io->write) history_.end_write(*io->write, History::Outcome::lost, false, world_.now());
    if (io->step) check(counters_.end(*io->step, Counters::Outcome::unknown));
    under_way_ -= io->is_under_way;
  }
  internet_.died(life_->networks, true);
  die();
}

void HostProcess::on_up(const std::string& how) {
  live_ = true;
  world_.note("{} is connected, {}", name_, how);
  if (scenario_.paths == 1) look_back(std::vector{trsvcid_of(0)});
  life_->lanes = life_->link->lanes();
  WEFT_CHECK(life_->lanes.size() == scenario_.queues, "the target grants as many queues");
  for (const auto& io : life_->ios) {
    if (std::exchange(io->is_started, true)) continue;
    post_call(*life_->lanes[io->queue].loop, [this, its = io.get()] { begin(*its); });
  }
}

void HostProcess::on_down(const std::string& why) {
  live_ = false;
  ++losses_;
  world_.note("{} has lost its controller: {}", name_, why);
}

void HostProcess::on_gone(const std::string& why) {
  gone_ = true;
  live_ = false;
  if (!why.empty() && scenario_.has(Fault::Kind::unlist)) return come_back();
  if (!why.empty()) check(fmt::format("its controller has gone for good: {}", why));
}

// Told not to come again, as it was off the list, it is told by its user to do so.
void HostProcess::come_back() {
  world_.note("{} is refused", name_);
  world_.after(kComeBack, [this, life = life_.get()] {
    if (stopped_ || life != life_.get()) return;
    gone_ = false;
    kill();
    start();
  });
}

void HostProcess::stop() {
  stopped_ = true;
  life_->link->stop();
}

void HostProcess::retry(Io& io) {
  world_.after(kRetry, [this, &io] {
    if (&io.life != life_.get()) return;
    post_call(*life_->lanes[io.queue].loop, [this, &io] { begin(io); });
  });
}

void HostProcess::begin(Io& io) {
  if (left_ == 0) return;
  if (!live_) return retry(io);
  --left_;
  ++under_way_;
  io.is_under_way = true;
  submit(io);
}

void HostProcess::draw(Io& io) {
  Dice& dice = world_.dice();
  io.fua = false;
  if (scenario_.counters > 0 && dice.one_in(2)) {
    io.kind = Io::Kind::look;
    io.blocks = 1;
    io.lba = dice.below(scenario_.counters);
    io.floor = counters_.floor(io.lba);
    return;
  }
  io.kind = dice.one_in(flushes_) ? Io::Kind::flush : dice.one_in(2) ? Io::Kind::read : Io::Kind::write;
  io.fua = io.kind != Io::Kind::flush && dice.one_in(durable_);
  const std::uint64_t most = dice.one_in(2) ? scenario_.largest : std::min(scenario_.largest, 2u);
  io.blocks = io.kind == Io::Kind::flush ? 0 : 1 + dice.below(most);
  if (io.kind == Io::Kind::flush) return void(io.lba = 0);
  io.lba = scenario_.counters + dice.below(scenario_.disk.blocks - scenario_.counters - io.blocks + 1);
}

void HostProcess::submit(Io& io) {
  draw(io);
  io.began = world_.now();
  io.piece = {io.memory.get(), io.blocks * History::kBlockBytes};
  io.data = {&io.piece, io.kind == Io::Kind::flush ? 0u : 1u};
  io.tries_left = 0;
  io.fused_with = nullptr;
  const wire::ReadWrite range{
      .nsid = kNsid, .range = {io.lba, static_cast<std::uint32_t>(io.blocks)}, .fua = io.fua};
  switch (io.kind) {
    case Io::Kind::read:
    case Io::Kind::look:
      io.sqe = wire::make_read(range);
      break;
    case Io::Kind::count:
      WEFT_CHECK(false, "a look comes first");
    case Io::Kind::write:
      io.write =
          history_.begin_write(index_, io.lba, io.blocks, io.began,
                               scenario_.paths > 1 ? History::Sent::perhaps_twice : History::Sent::once);
      History::stamp({io.memory.get(), io.piece.iov_len}, *io.write, io.lba);
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
  life_->lanes[io.queue].submit(io);
}

// Behind a look: what it has found becomes one more.
void HostProcess::count(Io& io) {
  constexpr std::size_t kBytes = History::kBlockBytes;
  io.kind = Io::Kind::count;
  io.began = world_.now();
  io.fua = world_.dice().one_in(durable_);
  const wire::ReadWrite range{.nsid = kNsid, .range = {io.lba, 1}, .fua = false};
  io.sqe = wire::make_compare(range);
  io.second_piece = {io.memory.get() + kBytes, kBytes};
  counters_.stamp({io.memory.get() + kBytes, kBytes}, io.lba, *io.step);
  io.second.data = {&io.second_piece, 1};
  io.second.sqe = wire::make_write({.nsid = kNsid, .range = {io.lba, 1}, .fua = io.fua});
  io.second.tries_left = 0;
  io.fused_with = &io.second;
  life_->lanes[io.queue].submit(io);
}

void HostProcess::record_step(Io& io) {
  using enum Counters::Outcome;
  const bool was_sent = io.end == fabric::HostCommand::End::completed;
  // Whatever the first says but that it fits, the second was not carried out; a write that fails may have
  // been.
  const auto outcome = was_sent && !io.ok() ? refused : was_sent && io.second.ok() ? done : unknown;
  check(counters_.end(*std::exchange(io.step, std::nullopt), outcome));
}

void HostProcess::record_write(Io& io) {
  const auto outcome = io.ok()                                    ? History::Outcome::done
                       : io.end == fabric::HostCommand::End::lost ? History::Outcome::lost
                                                                  : History::Outcome::failed;
  const History::Id id = *std::exchange(io.write, std::nullopt);
  if (internet_.last_end_at(life_->networks.host()) < io.began)
    history_.was_sent_once(id);
  else
    has_past_ = scenario_.paths > 1;
  history_.end_write(id, outcome, io.fua || !scenario_.disk.volatile_cache, world_.now());
}

// Fenced is what connections have left behind of which the target knew that they had ended when a controller
// was connected by one of these ports.
void HostProcess::look_back(std::span<const std::string> usable_ports) {
  const std::string& host = life_->networks.host();
  if (std::ranges::none_of(usable_ports,
                           [&](const auto& port) { return internet_.knows_its_past(host, port); }))
    return;
  world_.note("{} has left nothing on the way", name_);
  history_.host_is_back(index_, world_.now());
  has_past_ = false;
}

// What it says of the disk.
void HostProcess::record(Io& io) {
  const Time now = world_.now();
  if (io.step) return record_step(io);
  if (io.write) record_write(io);
  if (has_past_) look_back(life_->link->usable_ports());
  if (!io.ok()) return;
  if (io.kind == Io::Kind::flush) history_.flushed(io.began);
  if (io.kind == Io::Kind::look) {
    const auto found = counters_.look(io.lba, {io.memory.get(), io.piece.iov_len}, io.floor);
    if (found.wrong) return check(found.wrong);
    io.step = counters_.begin(io.lba, found.step);
  }
  if (io.kind == Io::Kind::read)
    check(history_.check_read(io.lba, {io.memory.get(), io.piece.iov_len}, io.began, now));
}

void HostProcess::ended(Io& io) {
  using End = fabric::HostCommand::End;
  const bool was_overtaken =
      io.end == End::completed && io.cqe.decoded_status().is(wire::status::kCompareFailure);
  unsuccessful_ += !io.ok() && !was_overtaken;
  static constexpr const char* kNames[] = {"read", "write", "flush", "look at", "count"};
  const auto id = io.write ? io.write : io.step;
  const std::string what = fmt::format("{} {}+{}{}", kNames[static_cast<int>(io.kind)], io.lba, io.blocks,
                                       id ? fmt::format(" as {}", *id) : "");
  world_.note("{} {}{}: {}", name_, what, io.fua ? ", durable" : "", io.ok() ? "ok" : io.failure());
  record(io);
  if (io.end == End::completed)
    if (const auto wrong = target_.judge(index_, io.lba + io.blocks, io.cqe.decoded_status(), io.began);
        !wrong.empty())
      check(what + ": " + wrong);
  if (scenario_.paths > 1 && !io.ok() && !stopped_)
    check(what + ": with several paths it is to wait for one that works");
  if (io.end == End::damaged && !scenario_.has(Fault::Kind::damage))
    check("data came damaged, which this network never does");
  if (io.step && io.kind == Io::Kind::look) return count(io);
  io.is_under_way = false;
  --under_way_;
  if (!io.ok() && !was_overtaken) return retry(io);
  begin(io);
}

void HostProcess::check(std::optional<std::string> wrong) {
  if (!wrong || !violation_.empty()) return;
  violation_ = fmt::format("{}: {}", name_, *wrong);
  world_.note("VIOLATION {}", violation_);
}

std::string HostProcess::state() const {
  return fmt::format("{} is {}, {} commands under way, {} to come", name_,
                     gone_   ? "gone"
                     : live_ ? "connected"
                             : "not connected",
                     under_way_, left_);
}

}  // namespace weft::sim
