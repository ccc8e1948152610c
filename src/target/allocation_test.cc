// The steady path of an I/O command allocates nothing, from the capsule to the completion.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "base/test_allocations.h"
#include "base/test_bare_loop.h"
#include "block/memory_backend.h"
#include "fabric/fake_host.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"

namespace weft::target {
namespace {

constexpr const char* kNqn = "nqn.2024-01.test:one";
constexpr Nsid kNsid{1};
constexpr std::uint32_t kBytes = 4096;
constexpr unsigned kDepth = 16;

class AllocationTest : public testing::Test {
 protected:
  AllocationTest() {
    subsystem_ = *target_.add_subsystem(kNqn);
    EXPECT_TRUE(subsystem_->change_settings([](SubsystemSettings& settings) {
      settings.allow_any_host = true;
      return Result<>();
    }));
    EXPECT_TRUE(
        subsystem_->add_namespace(kNsid, {.backend = std::make_shared<block::MemoryBackend>(1024, 512)}));
    port_ = *target_.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "4420"});
    port_->link(subsystem_);
    host_ = std::make_unique<fabric::FakeHost>(
        loops_.loop(), *port_, [this] { return loops_.loop().run_turn(); },
        fabric::FakeHost::Options{.subnqn = kNqn});
    EXPECT_TRUE(host_->connect().ok());
    EXPECT_TRUE(host_->connect_io(Qid(1), loops_.loop()).ok());
  }
  ~AllocationTest() override {
    host_.reset();
    EXPECT_TRUE(target_.remove_subsystem(kNqn, [] {}));
    subsystem_.reset();
    loops_.loop().run_until_idle();
  }

  // A queue's worth of the same command at once.
  void batch(const wire::Sqe& sqe, const fabric::HostData& data) {
    for (unsigned i = 0; i < kDepth; ++i)
      host_->io(Qid(1)).submit(sqe, data).when_finished(
          [](fabric::Exchange& exchange, void* context) noexcept {
            auto& test = *static_cast<AllocationTest*>(context);
            test.failed_ += exchange.completed() && exchange.status().ok() ? 0 : 1;
            ++test.finished_;
            test.host_->io(Qid(1)).release(exchange);
          },
          this);
    loops_.loop().run_until_idle();
  }

  void expect_none(const wire::Sqe& sqe, const fabric::HostData& data) {
    for (int i = 0; i < 3; ++i) batch(sqe, data);  // slabs and pools grow to what is needed
    finished_ = 0;
    failed_ = 0;
    const std::uint64_t before = test::allocations;
    for (int i = 0; i < 100; ++i) batch(sqe, data);
    EXPECT_EQ(test::allocations, before);
    EXPECT_EQ(finished_, 100 * kDepth);
    EXPECT_EQ(failed_, 0u);
  }

  static constexpr wire::LbaRange kRange{.slba = 8, .blocks = kBytes / 512};

  BareLoops loops_;
  Target target_{loops_};
  std::shared_ptr<Subsystem> subsystem_;
  std::shared_ptr<Port> port_;
  std::unique_ptr<fabric::FakeHost> host_;
  std::array<std::byte, kBytes> memory_{};
  unsigned finished_ = 0;
  unsigned failed_ = 0;
};

TEST_F(AllocationTest, NoneForARead) {
  expect_none(wire::make_read({.nsid = kNsid, .range = kRange}), {.in = memory_});
}

TEST_F(AllocationTest, NoneForAWrite) {
  expect_none(wire::make_write({.nsid = kNsid, .range = kRange}), {.out = memory_});
  expect_none(wire::make_write({.nsid = kNsid, .range = kRange}),
              {.out = memory_, .pointer = fabric::HostData::Pointer::capsule});
}

TEST_F(AllocationTest, NoneForTheOtherIoCommands) {
  expect_none(wire::make_compare({.nsid = kNsid, .range = kRange}), {.out = memory_});
  expect_none(wire::make_flush({.nsid = kNsid}), {});
  expect_none(wire::make_write_zeroes({.nsid = kNsid, .range = kRange}), {});
  expect_none(wire::make_dataset_management({.nsid = kNsid, .ranges = 1, .deallocate = true}),
              {.out = std::span(memory_).first(sizeof(wire::DsmRange))});
}

}  // namespace
}  // namespace weft::target
