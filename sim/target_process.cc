#include "sim/target_process.h"

#include <algorithm>

#include "base/check.h"
#include "target/controller.h"

namespace weft::sim {

namespace {

constexpr Duration kEndTime = std::chrono::seconds(120);

}  // namespace

TargetProcess::TargetProcess(Internet& internet, unsigned reactors, const DiskOptions& disk)
    : world_(internet.world()),
      loops_(world_.add_process("target", reactors)),
      networks_(internet, loops_, std::string(kTraddr)),
      disk_(std::make_shared<SimDisk>(world_, disk)),
      target_(loops_),
      transport_(networks_, {}) {
  subsystem_ = target_.add_subsystem(std::string(kNqn)).value();
  const auto open_to_all = subsystem_->change_settings([](target::SubsystemSettings& settings) -> Result<> {
    settings.allow_any_host = true;
    return {};
  });
  WEFT_CHECK(open_to_all && subsystem_->add_namespace(kNsid, {.backend = disk_}));
  port_ =
      target_.add_port({.id = PortId(1), .traddr = std::string(kTraddr), .trsvcid = std::string(kTrsvcid)})
          .value();
  port_->link(subsystem_);
  listener_ =
      transport_.listen({.traddr = std::string(kTraddr), .trsvcid = std::string(kTrsvcid)}, *port_).value();
}

TargetProcess::~TargetProcess() = default;

std::size_t TargetProcess::controllers_of(std::string_view hostnqn) const {
  const auto all = subsystem_->controllers();
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [hostnqn](const auto& each) { return each->host().nqn == hostnqn; }));
}

std::string TargetProcess::end() {
  listener_.reset();
  transport_.shut_down();
  if (!world_.run_until([this] { return transport_.connections() == 0; }, kEndTime))
    return "connections of the target do not end";
  world_.run_for(std::chrono::seconds(1));
  if (!subsystem_->controllers().empty()) return "controllers are left behind their connections";
  bool removed = false;
  if (!target_.remove_subsystem(std::string(kNqn), [&removed] { removed = true; }))
    return "there is no subsystem";
  subsystem_.reset();
  if (!world_.run_until([&removed] { return removed; }, kEndTime))
    return "the subsystem's removal never ends";
  world_.run_for(std::chrono::seconds(1));
  for (Loop* const loop : loops_.all())
    if (loop->buffers().held_bytes() != 0) return "data buffers of the target leak";
  return {};
}

}  // namespace weft::sim
