// A write that is still at the backend when its host goes must not overwrite what that host writes after it
// has come back.
#include <gtest/gtest.h>

#include <functional>

#include "block/delay.h"
#include "block/memory_backend.h"
#include "served/served.h"

namespace weft::served {
namespace {

using raw_host::Bytes;
using raw_host::HostController;

constexpr std::uint32_t kBlockBytes = 512;
constexpr Nsid kNsid{1};
constexpr wire::LbaRange kRange{64, 8};
constexpr std::size_t kBytes = kRange.blocks * kBlockBytes;

class LateWrites : public ::testing::Test {
 protected:
  std::unique_ptr<HostController> connect(std::uint16_t queues = 1) {
    auto host = std::make_unique<HostController>(served_.host_options(), log_);
    host->connect_io(queues);
    return host;
  }
  // A host writes `data` with the backend holding it back, and goes.
  void leave_behind(const Bytes& data) {
    delay_->hold({.ops = block::op_bit(block::Op::write), .first = kRange.slba, .end = kRange.end()});
    auto host = connect();
    host->submit_write(kNsid, kRange, data);
    EXPECT_TRUE(eventually([this] { return delay_->held() == 1; }));
    host->io(0).connection().socket().reset();
    host->admin().connection().socket().reset();
  }
  Bytes read(HostController& host) { return host.read(kNsid, kRange, kBlockBytes).data; }

  raw_host::PduLog log_;
  std::shared_ptr<block::DelayBackend> delay_ =
      std::make_shared<block::DelayBackend>(std::make_shared<block::MemoryBackend>(8192, kBlockBytes));
  Served served_{delay_, {.reactors = 2}};
};

const Bytes kA = pattern(kBytes, 0xA);
const Bytes kB = pattern(kBytes, 0xB);
const Bytes kZeroes(kBytes);

Bytes dsm_range() {
  const wire::DsmRange range{.context_attributes = 0, .blocks = kRange.blocks, .slba = kRange.slba};
  const auto bytes = wire::bytes_of(range);
  return {bytes.begin(), bytes.end()};
}

struct Second {
  const char* what;
  std::function<std::uint16_t(HostController&)> submit;
  const Bytes* expected;
};

TEST_F(LateWrites, WhatTheHostDoesNextWaitsForThem) {
  const Second seconds[] = {
      {"write", [](HostController& host) { return host.submit_write(kNsid, kRange, kB); }, &kB},
      {"write of the last block alone",
       [](HostController& host) {
         return host.submit_write(kNsid, {kRange.end() - 1, 1}, Bytes(kBlockBytes));
       },
       nullptr},
      {"write zeroes",
       [](HostController& host) {
         return host.io(0).submit(wire::make_write_zeroes({.nsid = kNsid, .range = kRange}));
       },
       &kZeroes},
      {"dataset management",
       [](HostController& host) {
         return host.io(0).submit(
             wire::make_dataset_management({.nsid = kNsid, .ranges = 1, .deallocate = true}),
             {.out = dsm_range(), .in_capsule = true});
       },
       &kZeroes},
      {"compare",
       [](HostController& host) {
         return host.io(0).submit(wire::make_compare({.nsid = kNsid, .range = kRange}),
                                  {.out = kA, .in_capsule = true});
       },
       &kA},
  };
  for (const Second& second : seconds) {
    SCOPED_TRACE(second.what);
    leave_behind(kA);
    auto host = connect();
    EXPECT_TRUE(eventually([this] { return delay_->fence().late_count() == 1; }));
    const std::uint16_t cid = second.submit(*host);
    // What does not overlap passes, on the same queue.
    for (unsigned i = 0; i < 20; ++i) {
      EXPECT_TRUE(host->write(kNsid, {kRange.end() + i, 1}, Bytes(kBlockBytes)).ok());
      EXPECT_TRUE(host->write(kNsid, {kRange.slba - 1 - i, 1}, Bytes(kBlockBytes)).ok());
    }
    EXPECT_FALSE(host->io(0).is_completed(cid));
    EXPECT_EQ(delay_->held(), 1u) << "the second has reached the backend before the first is done";
    delay_->release();
    EXPECT_TRUE(host->io(0).wait(cid).ok());
    EXPECT_EQ(delay_->fence().late_count(), 0u);
    Bytes expected = kA;
    std::fill(expected.end() - kBlockBytes, expected.end(), std::byte{0});
    EXPECT_TRUE(read(*host) == (second.expected != nullptr ? *second.expected : expected));
    host->disconnect();
  }
}

// The same through several hosts that each leave a write behind, and one that leaves while it waits.
TEST_F(LateWrites, ManyHostsThatLeaveOneAfterTheOther) {
  leave_behind(kA);
  for (unsigned i = 0; i < 20; ++i) {
    auto host = connect(2);
    host->submit_write(kNsid, kRange, pattern(kBytes, i), false, i % 2);
    EXPECT_TRUE(host->flush(kNsid, i % 2).ok());
    if (i % 3 == 0) host->io(i % 2).connection().socket().reset();
  }
  auto host = connect();
  const std::uint16_t cid = host->submit_write(kNsid, kRange, kB);
  EXPECT_TRUE(host->flush(kNsid).ok());
  EXPECT_EQ(delay_->held(), 1u);
  delay_->release();
  EXPECT_TRUE(host->io(0).wait(cid).ok());
  EXPECT_TRUE(read(*host) == kB);
}

// The target that must end while something hangs says so, and the rest goes on.
TEST_F(LateWrites, CommandsThatNeverEndCountAgainstALimit) {
  delay_->hold({.ops = block::op_bit(block::Op::write)});
  constexpr std::uint32_t kEach = 1000;
  const std::uint32_t hosts = block::Fence::kMaxLate / kEach + 1;
  for (std::uint32_t i = 0; i < hosts; ++i) {
    auto options = served_.host_options();
    options.io_entries = 1024;
    HostController host(options, log_);
    host.connect_io(1);
    for (std::uint32_t j = 0; j < kEach; ++j)
      host.submit_write(kNsid, {1024 + i * kEach + j, 1}, Bytes(kBlockBytes));
    EXPECT_TRUE(eventually([&] { return delay_->held() == (i + 1) * kEach; }));
  }
  EXPECT_TRUE(eventually([&] { return delay_->fence().late_count() == hosts * kEach; }));
  auto host = connect();
  EXPECT_TRUE(host->write(kNsid, {0, 1}, Bytes(kBlockBytes)).status().is(wire::status::kInternalPathError));
  EXPECT_TRUE(host->read(kNsid, {0, 1}, kBlockBytes).status().is(wire::status::kInternalPathError));
  EXPECT_FALSE(host->read(kNsid, {0, 1}, kBlockBytes).status().dnr);
  delay_->release();
  EXPECT_TRUE(eventually([&] { return delay_->fence().late_count() == 0; }));
  EXPECT_TRUE(host->write(kNsid, {0, 1}, Bytes(kBlockBytes)).ok());
}

}  // namespace
}  // namespace weft::served
