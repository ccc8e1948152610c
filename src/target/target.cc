#include "target/target.h"

#include <fmt/format.h>

#include <cerrno>
#include <functional>

#include "base/call.h"
#include "base/check.h"
#include "base/reached.h"
#include "target/controller.h"
#include "target/queue.h"
#include "wire/nqn.h"

namespace weft::target {

namespace {

// One less than of subsystems: as in Linux.
constexpr std::size_t kDiscoveryNqnMaxLength = wire::kNqnMaxLength - 1;

}  // namespace

Target::Target(Loops& loops) : loops_(loops), discovery_nqn_(wire::kDiscoveryNqn) {
  for (Loop* loop : loops.all()) {
    WEFT_CHECK(loop->index() == states_.size(), "loops are numbered in their order");
    states_.push_back(std::make_unique<LoopState>(*loop));
  }
  discovery_ =
      std::make_shared<Subsystem>(*this, std::string(wire::kDiscoveryNqn), Subsystem::Kind::discovery);
}

Target::~Target() {
  WEFT_CHECK(queues_.load() == 0, "shut_down comes first");
}

Target::Shard& Target::shard(std::string_view nqn) const {
  return shards_[std::hash<std::string_view>()(nqn) % kShards];
}

Result<std::shared_ptr<Subsystem>> Target::add_subsystem(const std::string& nqn) {
  if (const auto flaw = wire::nqn_flaw(nqn); flaw != wire::NqnFlaw::none)
    return fail(EINVAL, fmt::format("subsystem '{}': the name {}", nqn, wire::describe(flaw)));
  auto subsystem = std::make_shared<Subsystem>(*this, nqn, Subsystem::Kind::nvm);
  Shard& home = shard(nqn);
  const std::scoped_lock lock(home.mutex);
  if (is_discovery(nqn))
    return fail(EINVAL,
                fmt::format("subsystem {}: this is the name of the discovery service; choose another", nqn));
  if (!home.subsystems.emplace(nqn, subsystem).second)
    return fail(EEXIST, fmt::format("subsystem {}: there is one already", nqn));
  return subsystem;
}

Result<> Target::remove_subsystem(std::string_view nqn, Done done) {
  std::shared_ptr<Subsystem> subsystem;
  {
    Shard& home = shard(nqn);
    const std::scoped_lock lock(home.mutex);
    const auto it = home.subsystems.find(nqn);
    if (it == home.subsystems.end()) return fail(ENOENT, fmt::format("subsystem {}: there is none", nqn));
    subsystem = std::move(it->second);
    home.subsystems.erase(it);
  }
  for (const auto& port : ports()) port->unlink(*subsystem);
  subsystem->shut_down(std::move(done));
  return {};
}

std::shared_ptr<Subsystem> Target::find_subsystem(std::string_view nqn) const {
  Shard& home = shard(nqn);
  const std::scoped_lock lock(home.mutex);
  const auto it = home.subsystems.find(nqn);
  return it == home.subsystems.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<Subsystem>> Target::subsystems() const {
  std::vector<std::shared_ptr<Subsystem>> all;
  for (Shard& each : shards_) {
    const std::scoped_lock lock(each.mutex);
    for (const auto& [nqn, subsystem] : each.subsystems) all.push_back(subsystem);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->nqn() < b->nqn(); });
  return all;
}

Result<std::shared_ptr<Port>> Target::add_port(PortOptions options) {
  const PortId id = options.id;
  auto port = std::make_shared<Port>(*this, std::move(options));
  const std::scoped_lock lock(ports_mutex_);
  if (!ports_.emplace(id, port).second)
    return fail(EEXIST, fmt::format("port {}: there is one already", id.value()));
  return port;
}

Result<> Target::remove_port(PortId id) {
  std::shared_ptr<Port> gone;
  {
    const std::scoped_lock lock(ports_mutex_);
    const auto it = ports_.find(id);
    if (it == ports_.end()) return fail(ENOENT, fmt::format("port {}: there is none", id.value()));
    gone = std::move(it->second);
    ports_.erase(it);
  }
  for (const auto& state : states_) {
    // The port outlives its connections: each queue that is closed here has gone before the last copy goes.
    post_call(state->loop(), [&state = *state, gone] {
      for (Queue& queue : state.queues())
        if (&queue.port() == gone.get()) queue.keep_port(gone), queue.close(fabric::CloseReason::removed);
    });
  }
  discovery_changed();
  return {};
}

std::vector<std::shared_ptr<Port>> Target::ports() const {
  const std::scoped_lock lock(ports_mutex_);
  std::vector<std::shared_ptr<Port>> all;
  for (const auto& [id, port] : ports_) all.push_back(port);
  return all;
}

Result<> Target::add_referral(Referral referral) {
  {
    const std::scoped_lock lock(referrals_mutex_);
    for (const Referral& other : referrals_)
      if (other.name == referral.name)
        return fail(EEXIST, fmt::format("referral {}: there is one already", referral.name));
    referrals_.push_back(std::move(referral));
  }
  discovery_changed();
  return {};
}

Result<> Target::remove_referral(std::string_view name) {
  {
    const std::scoped_lock lock(referrals_mutex_);
    if (std::erase_if(referrals_, [name](const Referral& each) { return each.name == name; }) == 0)
      return fail(ENOENT, fmt::format("referral {}: there is none", name));
  }
  discovery_changed();
  return {};
}

std::vector<Referral> Target::referrals() const {
  const std::scoped_lock lock(referrals_mutex_);
  return referrals_;
}

std::string Target::discovery_nqn() const {
  const std::scoped_lock lock(discovery_nqn_mutex_);
  return discovery_nqn_;
}

bool Target::is_discovery(std::string_view nqn) const {
  if (nqn == wire::kDiscoveryNqn) return true;
  const std::scoped_lock lock(discovery_nqn_mutex_);
  return nqn == discovery_nqn_;
}

Result<> Target::set_discovery_nqn(const std::string& nqn) {
  if (const auto flaw = wire::nqn_flaw(nqn); flaw != wire::NqnFlaw::none)
    return fail(EINVAL, fmt::format("\"{}\": the name {}", nqn, wire::describe(flaw)));
  if (nqn.size() > kDiscoveryNqnMaxLength)
    return fail(EINVAL, fmt::format("\"{}\" must not be longer than {} bytes", nqn, kDiscoveryNqnMaxLength));
  {
    // Whoever makes a subsystem of this name holds the same lock.
    Shard& home = shard(nqn);
    const std::scoped_lock lock(home.mutex);
    if (home.subsystems.contains(nqn))
      return fail(EEXIST, fmt::format("\"{}\": a subsystem has this name; choose another", nqn));
    const std::scoped_lock name_lock(discovery_nqn_mutex_);
    discovery_nqn_ = nqn;
  }
  discovery_changed();
  return {};
}

void Target::discovery_changed() {
  discovery_generation_.fetch_add(1);
  for (const auto& controller : discovery_->controllers()) controller->discovery_changed_from();
}

void Target::queue_closed() {
  if (--queues_ > 0) return;
  const std::scoped_lock lock(drained_mutex_);
  drained_.notify_all();
}

bool Target::shut_down(Duration grace) {
  const auto for_all_queues = [this](void (*action)(Queue&)) {
    for (const auto& state : states_)
      post_call(state->loop(), [&state = *state, action] {
        for (auto it = state.queues().begin(); it != state.queues().end();) action(*it++);
      });
  };
  const auto wait = [this](Duration patience) {
    std::unique_lock lock(drained_mutex_);
    return drained_.wait_for(lock, patience, [this] { return queues_.load() == 0; });
  };
  for_all_queues([](Queue& queue) { queue.drain(fabric::CloseReason::shutdown); });
  if (wait(grace)) return true;
  WEFT_REACHED("target.commands_outlast_grace");
  for_all_queues([](Queue& queue) { queue.close(fabric::CloseReason::shutdown); });
  return wait(std::chrono::seconds(2));
}

}  // namespace weft::target
