#include "cli/bench/own_cost.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <thread>

#include "backends/null/null.h"
#include "base/run_on.h"
#include "cli/bench/cpu.h"
#include "cli/bench/generator.h"
#include "host/namespace.h"
#include "reactor/reactor.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transports/loop/transport.h"

namespace weft::cli::bench {

namespace {

constexpr const char* kNqn = "nqn.2024-01.weft.bench:null";

// A target with a null disk, behind a loop port.
class NullTarget {
 public:
  explicit NullTarget(reactor::Reactors& reactors)
      : reactors_(reactors), target_(reactors), transport_(reactors) {}

  Result<> start() {
    auto port = target_.add_port({.id = PortId(1)});
    if (!port) return std::unexpected(port.error());
    port_ = std::move(*port);
    auto subsystem = target_.add_subsystem(kNqn);
    if (!subsystem) return std::unexpected(subsystem.error());
    subsystem_ = std::move(*subsystem);
    auto disk = backends::make_null_plugin().open({"null_0/bench", {}, {{"size", "1G"}}});
    if (!disk) return std::unexpected(disk.error());
    const auto open_to_all = subsystem_->change_settings([](target::SubsystemSettings& settings) -> Result<> {
      settings.allow_any_host = true;
      return {};
    });
    if (!open_to_all) return open_to_all;
    if (const auto added = subsystem_->add_namespace(Nsid(1), {.backend = std::move(*disk)}); !added)
      return added;
    port_->link(subsystem_);
    auto listener = transport_.listen({}, *port_);
    if (!listener) return std::unexpected(listener.error());
    listener_ = std::move(*listener);
    return {};
  }

  ~NullTarget() {
    constexpr std::chrono::milliseconds kPause{1};
    listener_.reset();
    (void)target_.shut_down(std::chrono::seconds(10));
    if (subsystem_ != nullptr) (void)target_.remove_subsystem(kNqn, [] {});
    subsystem_.reset();
    transport_.shut_down();
    while (transport_.connections() != 0) std::this_thread::sleep_for(kPause);
    reactors_.stop();  // what is posted there refers to the target
  }

  fabric::Initiator& initiator() { return transport_; }

 private:
  reactor::Reactors& reactors_;
  target::Target target_;
  loop::LoopTransport transport_;
  std::shared_ptr<target::Port> port_;
  std::shared_ptr<target::Subsystem> subsystem_;
  std::unique_ptr<fabric::Listener> listener_;
};

}  // namespace

Result<std::chrono::duration<double>> measure_own_cost(const Workload& workload,
                                                       std::chrono::duration<double> time) {
  constexpr std::size_t kBufferBytes = std::size_t{64} * 1024 * 1024;
  const auto reactors =
      reactor::Reactors::start({.count = 1, .buffer_bytes_each = kBufferBytes, .name = "weft-null"});
  if (!reactors) return std::unexpected(reactors.error());
  NullTarget target(**reactors);
  if (const auto started = target.start(); !started) return std::unexpected(started.error());
  host::Options options{.identity = {.nqn = "nqn.2024-01.weft.bench:host", .id = {1}}};
  options.address.subnqn = kNqn;
  options.queue_entries = workload.depth + 1;
  auto remote = host::Namespace::open(**reactors, {.ways = {{&target.initiator(), options}}});
  if (!remote) return std::unexpected(remote.error());

  Run run;
  run.workload = workload;
  run.workload.verify = false;
  run.workload.rate = 0;
  run.workload.block_bytes = std::min(workload.block_bytes, (*remote)->max_transfer_bytes());
  run.measures = true;
  const host::NamespaceInfo& info = (*remote)->info();
  Generator generator(run, (*remote)->io_queue(0), info, 0, info.bytes() / run.workload.block_bytes, 1, 0);
  std::promise<void> ended;
  const auto before = own_cpu();
  generator.start([&] { ended.set_value(); });
  std::this_thread::sleep_for(time);
  run.stops = true;
  ended.get_future().wait();
  const auto used = own_cpu() - before;
  run_on((*remote)->io_queue(0).loop(), [] {});  // what has told of the end is over, too
  if (!generator.failure().empty()) return fail(EIO, generator.failure());
  return used / static_cast<double>(std::max<std::uint64_t>(generator.commands(), 1));
}

}  // namespace weft::cli::bench
