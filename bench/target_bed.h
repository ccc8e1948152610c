// A target with one namespace and a host at the seam of transports, on a loop that its user turns: what a
// command costs without a transport and without threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backends/null/null.h"
#include "backends/ramdisk/ramdisk.h"
#include "base/test_bare_loop.h"
#include "bench/must.h"
#include "fabric/fake_host.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"

namespace weft::bench {

enum Medium : std::int64_t { kNull, kRam };
enum Command : std::int64_t { kRead, kWrite, kWriteInCapsule, kFlush };

class TargetBed {
 public:
  static constexpr const char* kNqn = "nqn.2014-08.org.weft:bench";
  static constexpr Nsid kNsid{1};
  static constexpr std::uint32_t kBlockBytes = 4096;
  static constexpr std::uint64_t kBlocks = 16384;  // 64 MiB: beyond the caches
  static constexpr std::uint64_t kStep =
      4099;  // visits all of them in an order that prefetching does not guess

  TargetBed(Medium medium, std::uint32_t blocks) : blocks_(blocks), data_(std::size_t{blocks} * kBlockBytes) {
    const block::Plugin plugin =
        medium == kRam ? backends::make_ramdisk_plugin(budget_) : backends::make_null_plugin();
    auto backend = must(plugin.open(
        {.name = "bench_0/disk", .serial = {}, .control = {{"size", "64M"}, {"block_size", "4096"}}}));
    subsystem_ = must(target_.add_subsystem(kNqn));
    must(subsystem_->change_settings([](target::SubsystemSettings& settings) {
      settings.allow_any_host = true;
      return Result<>();
    }));
    must(subsystem_->add_namespace(kNsid, {.backend = std::move(backend)}));
    port_ = must(target_.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "4420"}));
    port_->link(subsystem_);
    host_ = std::make_unique<fabric::FakeHost>(
        loops_.loop(), *port_, [this] { return loops_.loop().run_turn(); },
        fabric::FakeHost::Options{.subnqn = kNqn});
    must(host_->connect().ok());
    must(host_->connect_io(Qid(1), loops_.loop()).ok());
  }
  ~TargetBed() {
    host_.reset();
    (void)target_.remove_subsystem(kNqn, [] {});
    subsystem_.reset();
    loops_.loop().run_until_idle();
  }
  TargetBed(const TargetBed&) = delete;
  TargetBed& operator=(const TargetBed&) = delete;

  // `depth` of them at once.
  void batch(Command command, std::int64_t depth) {
    for (std::int64_t i = 0; i < depth; ++i) submit(command);
    loops_.loop().run_until_idle();
  }
  void touch_all() {
    for (std::uint64_t i = 0; i < kBlocks / blocks_; ++i) batch(kWrite, 1);
  }
  // Where the next command goes, and what it is.
  wire::Sqe next(Command command) {
    const wire::LbaRange range{.slba = at_, .blocks = blocks_};
    at_ = (at_ + kStep * blocks_) % kBlocks;
    return command == kRead    ? wire::make_read({.nsid = kNsid, .range = range})
           : command == kFlush ? wire::make_flush({.nsid = kNsid})
                               : wire::make_write({.nsid = kNsid, .range = range});
  }
  std::uint64_t failed() const { return failed_; }
  BareLoops& loops() { return loops_; }
  target::Port& port() { return *port_; }
  fabric::FakeHost& host() { return *host_; }

 private:
  void submit(Command command) {
    fabric::HostData data;
    if (command == kRead)
      data.in = data_;
    else if (command != kFlush)
      data.out = data_;
    if (command == kWriteInCapsule) data.pointer = fabric::HostData::Pointer::capsule;
    host_->io(Qid(1))
        .submit(next(command), data)
        .when_finished(
            [](fabric::Exchange& exchange, void* context) noexcept {
              TargetBed& bed = *static_cast<TargetBed*>(context);
              if (!exchange.completed() || !exchange.status().ok()) ++bed.failed_;
              bed.host_->io(Qid(1)).release(exchange);
            },
            this);
  }

  const std::uint32_t blocks_;
  std::vector<std::byte> data_;
  backends::RamBudget budget_{std::uint64_t{1} << 30};
  BareLoops loops_;
  target::Target target_{loops_};
  std::shared_ptr<target::Subsystem> subsystem_;
  std::shared_ptr<target::Port> port_;
  std::unique_ptr<fabric::FakeHost> host_;
  std::uint64_t at_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace weft::bench
