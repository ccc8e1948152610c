// What the target's tests start from: two loops, a subsystem with one namespace on a disk in memory, a port,
// and hosts in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/test_loop.h"
#include "block/delay.h"
#include "block/fault.h"
#include "block/memory_backend.h"
#include "fabric/fake_host.h"
#include "target/controller.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"

namespace weft::target {

class TargetTest : public ::testing::Test {
 protected:
  static constexpr const char* kNqn = "nqn.2024-01.test:one";
  static constexpr Nsid kNsid{1};
  static constexpr std::uint64_t kBlocks = 8192;
  static constexpr std::uint32_t kBlockBytes = 512;

  TargetTest() {
    subsystem_ = *target_.add_subsystem(kNqn);
    allow_any_host(true);
    EXPECT_TRUE(subsystem_->add_namespace(kNsid, {.backend = fault_}));
    port_ = *target_.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "4420"});
    port_->link(subsystem_);
  }

  ~TargetTest() override {
    hosts_.clear();
    loops_.run_until_idle();
    EXPECT_EQ(subsystem_->controllers().size(), 0u);
    EXPECT_EQ(target_.discovery()->controllers().size(), 0u);
  }

  void allow_any_host(bool allow) {
    EXPECT_TRUE(subsystem_->change_settings([allow](SubsystemSettings& settings) -> Result<> {
      settings.allow_any_host = allow;
      return {};
    }));
  }

  fabric::FakeHost::Options options() { return {.subnqn = kNqn}; }

  fabric::FakeHost& new_host(fabric::FakeHost::Options options) {
    hosts_.push_back(std::make_unique<fabric::FakeHost>(
        loops_[0], *port_, [this] { return loops_.run_turn(); }, std::move(options)));
    return *hosts_.back();
  }

  // A host with `queues` I/O queues, spread over the loops.
  fabric::FakeHost& connected_host(std::uint16_t queues = 1) {
    fabric::FakeHost& host = new_host(options());
    EXPECT_TRUE(host.connect().ok());
    for (std::uint16_t qid = 1; qid <= queues; ++qid)
      EXPECT_TRUE(host.connect_io(Qid(qid), loops_[qid % 2]).ok());
    return host;
  }

  static std::vector<std::byte> pattern(std::size_t bytes, unsigned seed) {
    Dice dice(seed);
    std::vector<std::byte> data(bytes);
    for (std::byte& each : data) each = static_cast<std::byte>(dice.next());
    return data;
  }

  TestLoops loops_{2};
  std::shared_ptr<block::MemoryBackend> disk_ = std::make_shared<block::MemoryBackend>(kBlocks, kBlockBytes);
  std::shared_ptr<block::DelayBackend> delay_ = std::make_shared<block::DelayBackend>(disk_);
  std::shared_ptr<block::FaultBackend> fault_ = std::make_shared<block::FaultBackend>(delay_);
  Target target_{loops_};
  std::shared_ptr<Subsystem> subsystem_;
  std::shared_ptr<Port> port_;
  std::vector<std::unique_ptr<fabric::FakeHost>> hosts_;
};

}  // namespace weft::target
