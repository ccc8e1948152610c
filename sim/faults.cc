#include "sim/faults.h"

#include <fmt/format.h>

namespace weft::sim {

namespace {

// A host of which nothing was heard for so long has no controller any more: keep alive, which looks once in a
// while whether there was anything, and what a pause may take on top.
constexpr Duration kSilence = std::chrono::seconds(12);

}  // namespace

Faults::Faults(Internet& internet, const Scenario& scenario, TargetProcess& target,
               std::span<const std::unique_ptr<HostProcess>> hosts)
    : internet_(internet), world_(internet.world()), target_(target), hosts_(hosts) {
  for (const Fault& fault : scenario.faults) schedule(fault);
}

void Faults::schedule(const Fault& fault) {
  world_.after(world_.some_time(fault.every / 4, 2 * fault.every), [this, fault] {
    if (!breaks_) return;
    strike(fault);
    schedule(fault);
  });
}

void Faults::strike(const Fault& fault) {
  const Duration time = world_.some_time(fault.lasts / 8, fault.lasts);
  HostProcess& host = *hosts_[world_.dice().below(hosts_.size())];
  ++count_;
  switch (fault.kind) {
    case Fault::Kind::reset:
      return internet_.reset_one();
    case Fault::Kind::damage:
      return internet_.damage_one();
    case Fault::Kind::cut:
      return cut(host, time);
    case Fault::Kind::stuck:
      return stick(time);
    case Fault::Kind::pause:
      return pause(host, time);
    case Fault::Kind::stall:
      return stall(time);
    case Fault::Kind::kill:
      return world_.dice().one_in(2) ? kill_target(false, time) : kill(host, time);
    case Fault::Kind::power:
      return kill_target(true, time);
    case Fault::Kind::detach:
      return target_.detach_for(time);
    case Fault::Kind::ana:
      return target_.make_inaccessible_for(time);
    case Fault::Kind::grow:
      return target_.grow();
    case Fault::Kind::full:
      return target_.fill_store_for(time);
    case Fault::Kind::unlist:
      return target_.unlist_for(static_cast<unsigned>(world_.dice().below(hosts_.size())), time);
  }
}

void Faults::cut(HostProcess& host, Duration time) {
  if (!host.is_up() || internet_.is_cut(host.networks())) return;
  world_.note("the link of {} is cut", host.name());
  internet_.cut(host.networks());
  world_.after(time, [this, &host, &networks = host.networks(), time] { join(host, networks, time); });
}

void Faults::join(HostProcess& host, const SimNetworks& networks, Duration time) {
  if (!internet_.is_cut(networks)) return;
  const bool is_same = host.is_up() && &host.networks() == &networks;
  if (is_same && time >= kSilence && target_.controllers_of(host.nqn()) > 0 && violation_.empty())
    violation_ = fmt::format("{} was cut off for {} ms and still has a controller", host.name(),
                             std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  world_.note("the link of {} is joined", host.name());
  internet_.join(networks);
}

void Faults::stick(Duration time) {
  world_.note("the disk is stuck");
  target_.medium().set_stuck(true);
  world_.after(time, [this] {
    world_.note("the disk goes on");
    target_.medium().set_stuck(false);
  });
}

void Faults::pause(HostProcess& host, Duration time) {
  const bool of_target = world_.dice().one_in(2);
  if (!(of_target ? target_.is_up() : host.is_up())) return;
  SimLoops& process = of_target ? target_.loops() : host.loops();
  const bool all = world_.dice().one_in(2);
  world_.note("{} of {} pauses", all ? "all" : "a loop", process.name());
  all ? world_.pause(process, time) : world_.pause_one(process, time);
}

void Faults::stall(Duration time) {
  if (!target_.is_up()) return;
  world_.note("a loop of the target pauses");
  world_.pause_one(target_.loops(), time);
}

void Faults::kill(HostProcess& host, Duration time) {
  host.kill();
  world_.after(time, [&host] { host.start(); });
}

void Faults::kill_target(bool power, Duration time) {
  target_.kill(power);
  world_.after(time, [this] { target_.start(); });
}

void Faults::end() {
  breaks_ = false;
  target_.start();
  for (const auto& host : hosts_) {
    host->start();
    internet_.join(host->networks());
  }
  target_.medium().set_stuck(false);
  target_.make_room();
}

}  // namespace weft::sim
