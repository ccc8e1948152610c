#include "sim/target_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/call.h"
#include "base/check.h"
#include "target/controller.h"

namespace weft::sim {

namespace {

constexpr Duration kEndTime = std::chrono::seconds(120);
constexpr Duration kLook = std::chrono::milliseconds(1);

PortId id_of(std::size_t port) {
  return PortId(static_cast<std::uint16_t>(port + 1));
}

// Within what is safe: a host must not notice.
std::size_t draw_buffer_bytes(Dice& dice) {
  return std::size_t{256 * 1024} << (2 * dice.below(5));
}

tcp::Options draw_transport_options(Dice& dice) {
  tcp::Options options;
  options.max_h2c_data = 4096u << dice.below(7);
  options.turn.bytes = 4096u << dice.below(8);
  options.turn.pdus = 1u << dice.below(8);
  return options;
}

void draw_settings(Dice& dice, const Scenario& scenario, target::SubsystemSettings& settings) {
  settings.allow_any_host = true;
  settings.in_capsule_bytes = 4096u << dice.below(3);
  settings.queue_entries = 32u << dice.below(6);
  // By several paths nobody takes a target back that has come to take less in a command.
  if (scenario.paths > 1 && scenario.restarts_target()) return;
  while (settings.mdts_bytes / 2 >= scenario.largest * History::kBlockBytes && settings.mdts_bytes > 4096 &&
         dice.one_in(2))
    settings.mdts_bytes /= 2;
}

}  // namespace

std::string trsvcid_of(std::size_t port) {
  return fmt::to_string(4420 + port);
}

std::string hostnqn_of(unsigned host) {
  return fmt::format("nqn.2024-01.sim:host{}", host);
}

TargetProcess::Life::Life(Internet& internet, const Scenario& scenario, Medium& medium, std::uint64_t blocks,
                          const StoreDisk* store)
    : loops(internet.world().add_process("target", scenario.reactors,
                                         draw_buffer_bytes(internet.world().dice()))),
      networks(internet, loops, std::string(kTraddr)),
      disk(std::make_shared<SimDisk>(medium, blocks)),
      target(loops),
      tcp(networks, draw_transport_options(internet.world().dice())),
      loop(loops),
      transport(scenario.loop_transport ? static_cast<fabric::Transport&>(loop) : tcp) {
  if (store == nullptr) {
    set_up(scenario, internet.world().dice());
    return;
  }
  std::vector<std::string> hosts;
  for (unsigned i = 0; i < scenario.hosts; ++i) hosts.push_back(hostnqn_of(i));
  configured = std::make_unique<Configured>(
      internet.world(),
      Configured::Options{loops, target, transport, store->database(), disk, std::move(hosts)});
}

void TargetProcess::Life::set_up(const Scenario& scenario, Dice& dice) {
  subsystem = target.add_subsystem(std::string(kNqn)).value();
  const auto set = subsystem->change_settings([&](target::SubsystemSettings& settings) -> Result<> {
    draw_settings(dice, scenario, settings);
    return {};
  });
  WEFT_CHECK(set && subsystem->add_namespace(kNsid, {.backend = disk}));
  for (std::size_t i = 0; i < scenario.paths; ++i) {
    fabric::ListenOptions where;
    if (!scenario.loop_transport) where = {.traddr = std::string(kTraddr), .trsvcid = trsvcid_of(i)};
    const auto port =
        target.add_port({.id = id_of(i), .traddr = where.traddr, .trsvcid = where.trsvcid}).value();
    port->link(subsystem);
    listeners.push_back(transport.listen(where, *port).value());
  }
}

TargetProcess::TargetProcess(Internet& internet, const Scenario& scenario, History& history)
    : internet_(internet),
      world_(internet.world()),
      scenario_(scenario),
      history_(history),
      medium_(world_, scenario.disk),
      blocks_(scenario.has(Fault::Kind::grow) ? (scenario.disk.blocks + 1) / 2 : scenario.disk.blocks) {
  accessible_.resize(scenario.paths);
  listed_.resize(scenario.hosts);
  for (Condition& each : listed_) each.changes();  // until the configuration is there
  for (unsigned i = 0; i < scenario.administrators; ++i)
    administrators_.push_back(std::make_unique<Administrator>(world_, i, scenario.changes));
  if (!administrators_.empty()) store_ = std::make_unique<StoreDisk>(world_);
  start();
}

// After a violation all may still be at work.
TargetProcess::~TargetProcess() {
  if (!is_up() || life_->configured == nullptr || life_->configured->is_closed()) return;
  world_.kill(life_->loops);
  bury(std::move(life_));
}

std::size_t TargetProcess::controllers_of(std::string_view hostnqn) const {
  if (!is_up()) return 0;
  const auto subsystem = life_->configured ? life_->configured->subsystem() : life_->subsystem;
  if (subsystem == nullptr) return 0;
  const auto all = subsystem->controllers();
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [hostnqn](const auto& each) { return each->host().nqn == hostnqn; }));
}

void TargetProcess::start() {
  if (is_up()) return;
  world_.note("the target starts");
  life_ = std::make_unique<Life>(internet_, scenario_, medium_, blocks_, store_.get());
  internet_.has_power_again(std::string(kTraddr));
  for (Condition* each : conditions()) each->settles(each->changes(), true, world_.now());
  if (store_) await_configuration();
}

void TargetProcess::await_configuration() {
  world_.after(kLook, [this, life = life_.get()] {
    if (life != life_.get()) return;
    if (!life->configured->is_ready()) return await_configuration();
    for (Condition& each : listed_) each.settles(each.changes(), true, world_.now());
    if (is_ending_) return;
    for (const auto& each : administrators_)
      life->configured->with_hands([its = each.get()](Hands hands) { its->work(hands); });
  });
}

bool TargetProcess::is_done() const {
  return std::ranges::all_of(administrators_, &Administrator::is_done);
}

std::set<std::string> TargetProcess::shown_to_guest() const {
  std::set<std::string> all;
  for (const auto& each : administrators_) all.merge(each->shown_to_guest());
  return all;
}

std::string TargetProcess::violation() const {
  for (const auto& each : administrators_)
    if (!each->violation().empty()) return each->violation();
  if (is_up() && life_->configured && !life_->configured->violation().empty())
    return life_->configured->violation();
  return violation_;
}

std::vector<Condition*> TargetProcess::conditions() {
  std::vector<Condition*> all{&present_, &size_};
  for (Condition& each : accessible_) all.push_back(&each);
  return all;
}

void TargetProcess::kill(bool power) {
  if (!is_up()) return;
  world_.note("the target {}", power ? "loses power" : "is killed");
  for (Condition* each : conditions()) each->changes();
  for (Condition& each : listed_) each.changes();
  internet_.died(life_->networks, !power);
  medium_.drop(life_->disk.get());
  if (power) medium_.lose_power();
  if (store_) store_->crash(power);  // who starts it again makes room first
  history_.target_died(power, world_.now(),
                       accessible_.size() > 1 ? History::OnTheWay::sent_again : History::OnTheWay::gone);
  world_.kill(life_->loops);
  bury(std::move(life_));
}

void TargetProcess::found(const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = what;
  world_.note("VIOLATION {}", what);
}

void TargetProcess::settle(std::function<void()> then) {
  auto left = std::make_shared<std::size_t>(life_->loops.all().size());
  for (Loop* const loop : life_->loops.all())
    post_call(*loop, [left, then] {
      if (--*left == 0) then();
    });
}

void TargetProcess::detach_for(Duration time) {
  if (!is_up() || !present_.is(true)) return;
  world_.note("the namespace is removed");
  const auto change = present_.changes();
  const auto removed = life_->subsystem->remove_namespace(kNsid, [this, life = life_.get(), time, change] {
    if (life != life_.get()) return;
    world_.note("the namespace is gone");
    if (medium_.under_way(life->disk.get()) > 0)
      found("a namespace is gone, but its disk still has commands");
    present_.settles(change, false, world_.now());
    world_.after(time, [this, life] {
      if (life == life_.get()) attach();
    });
  });
  WEFT_CHECK(removed.has_value());
}

void TargetProcess::attach() {
  world_.note("the namespace is there again");
  const auto change = present_.changes();
  WEFT_CHECK(life_->subsystem->add_namespace(kNsid, {.backend = life_->disk}));
  settle([this, change] { present_.settles(change, true, world_.now()); });
}

void TargetProcess::make_inaccessible_for(Duration time) {
  const std::size_t port = world_.dice().below(accessible_.size());
  if (!is_up() || !accessible_[port].is(true)) return;
  set_accessible(port, false);
  world_.after(time, [this, life = life_.get(), port] {
    if (life == life_.get()) set_accessible(port, true);
  });
}

void TargetProcess::set_accessible(std::size_t port, bool accessible) {
  world_.note("port {} becomes {}", id_of(port).value(), accessible ? "optimized" : "inaccessible");
  const auto change = accessible_[port].changes();
  target::AnaStates states;
  states.set(AnaGroupId(1), accessible ? wire::AnaState::optimized : wire::AnaState::inaccessible);
  life_->subsystem->set_ana_states(id_of(port), states, [this, port, accessible, change] {
    accessible_[port].settles(change, accessible, world_.now());
  });
}

void TargetProcess::grow() {
  if (!is_up() || !size_.is(true) || blocks_ == scenario_.disk.blocks) return;
  blocks_ += 1 + world_.dice().below(scenario_.disk.blocks - blocks_);
  world_.note("the namespace grows to {} blocks", blocks_);
  const auto change = size_.changes();
  life_->disk->resize(blocks_);
  settle([this, change] { size_.settles(change, true, world_.now()); });
}

void TargetProcess::unlist_for(unsigned host, Duration time) {
  if (!is_up() || !life_->configured->is_ready() || !listed_[host].is(true) || is_ending_) return;
  const auto change = listed_[host].changes();
  life_->configured->with_hands(
      [this, host, change, time](Hands hands) { unlist(host, change, time, hands); });
}

void TargetProcess::fill_store_for(Duration time) {
  world_.note("the store's disk is full");
  store_->set_full(true);
  world_.after(time, [this] { make_room(); });
}

void TargetProcess::make_room() {
  if (store_ == nullptr || !store_->is_full()) return;
  world_.note("the store's disk has room again");
  store_->set_full(false);
}

// When it is answered nothing of the host can reach the disk any more.
void TargetProcess::unlist(unsigned host, Condition::Change change, Duration time, Hands hands) {
  const std::string path = fmt::format("nvmet/subsystems/{}/hosts/{}", kNqn, hostnqn_of(host));
  world_.note("{} is taken off the list", hostnqn_of(host));
  if (const auto done = hands.rmdir(path); !done)
    return found("a host cannot be taken off: " + done.error().message);
  world_.note("{} is off the list", hostnqn_of(host));
  listed_[host].settles(change, false, world_.now());
  history_.host_is_off(host, world_.now());
  if (controllers_of(hostnqn_of(host)) > 0)
    found(hostnqn_of(host) + " is off the list, but has a controller");
  std::this_thread::sleep_for(time);
  change = listed_[host].changes();
  if (const auto done = hands.mkdir(path); !done)
    return found("a host cannot be listed: " + done.error().message);
  listed_[host].settles(change, true, world_.now());
}

std::string TargetProcess::judge(unsigned host, std::uint64_t end_lba, wire::Status status,
                                 Time began) const {
  const auto present = present_.since(began);
  const auto is_accessible = [began](const Condition& port) { return port.since(began) != false; };
  const bool nowhere = std::ranges::none_of(accessible_, is_accessible);
  const bool is_of_path = status.is(wire::status::kAnaInaccessible) ||
                          status.is(wire::status::kAnaTransition) ||
                          status.is(wire::status::kAnaPersistentLoss);
  if (status.is(wire::status::kCommandSequenceError)) return "its controller was never disabled";
  if (status.ok() && present == false) return "it succeeds though its namespace is removed";
  if (status.ok() && listed_[host].since(began) == false)
    return "it succeeds though its host is off the list";
  if (status.ok() && nowhere) return "it succeeds though its port is inaccessible";
  if (status.ok() && end_lba > blocks_) return "it succeeds beyond the end of the namespace";
  if (status.is(wire::status::kInvalidNamespace) && present == true)
    return "its namespace is not found, but is there";
  if (is_of_path && (accessible_.size() > 1 || accessible_.front().since(began) == true))
    return "its port is said to be inaccessible, which it is not";
  if (status.is(wire::status::kLbaOutOfRange) && size_.since(began) == true && end_lba <= blocks_)
    return "it is said to be beyond the end of the namespace, which has grown";
  return {};
}

// After one more loss of power all is still there.
std::string TargetProcess::close_configuration() {
  is_ending_ = true;
  kill(true);
  start();
  if (!world_.run_until([this] { return life_->configured->is_ready() || !violation().empty(); }, kEndTime))
    return "weftd never gets ready";
  if (!violation().empty()) return violation();
  bool is_verified = false;
  life_->configured->with_hands([this, &is_verified](Hands hands) {
    for (const auto& each : administrators_) each->find_what_is_left(hands);
    is_verified = true;
  });
  if (!world_.run_until([&is_verified] { return is_verified; }, kEndTime)) return "the tree does not answer";
  life_->configured->close();
  if (!world_.run_until([this] { return life_->configured->is_closed(); }, kEndTime))
    return "the configuration never closes";
  return violation();
}

std::string TargetProcess::end() {
  const auto is_settled = [](const Condition* each) { return each->is(true); };
  if (!world_.run_until([&] { return std::ranges::all_of(conditions(), is_settled); }, kEndTime))
    return "a change of the namespace never settles";
  if (store_)
    if (const std::string wrong = close_configuration(); !wrong.empty()) return wrong;
  life_->listeners.clear();
  life_->tcp.shut_down();
  life_->loop.shut_down();
  if (!world_.run_until([this] { return life_->connections() == 0; }, kEndTime))
    return "connections of the target do not end";
  world_.run_for(std::chrono::seconds(1));
  if (life_->subsystem && !life_->subsystem->controllers().empty())
    return "controllers are left behind their connections";
  if (life_->subsystem) {
    bool removed = false;
    if (!life_->target.remove_subsystem(std::string(kNqn), [&removed] { removed = true; }))
      return "there is no subsystem";
    life_->subsystem.reset();
    if (!world_.run_until([&removed] { return removed; }, kEndTime))
      return "the subsystem's removal never ends";
  }
  world_.run_for(std::chrono::seconds(1));
  for (Loop* const loop : loops().all())
    if (loop->buffers().held_bytes() != 0) return "data buffers of the target leak";
  return {};
}

}  // namespace weft::sim
