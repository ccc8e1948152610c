// Each backend that keeps data, below a target and a disk that forgets what was not flushed.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "backends/fd/testing.h"
#include "backends/file/file.h"
#include "backends/ramdisk/ramdisk.h"
#include "block/volatile.h"
#include "durability/broken_durability.h"
#include "durability/inline_file_io.h"
#include "durability/witness.h"
#include "target/test_target.h"

namespace weft::durability {
namespace {

using testing::IsEmpty;

constexpr Nsid kNsid{1};
constexpr std::uint64_t kBlocks = 512;

struct Kind {
  const char* name;
  const char* plugin;
  block::ControlValues control;
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

class DurabilityTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto opened = open();
    if (!opened && opened.error().message.find("give fd_buffered_io=1") != std::string::npos)
      GTEST_SKIP() << opened.error().message;
    ASSERT_TRUE(opened) << opened.error().message;
    below_ = std::make_shared<block::VolatileBackend>(std::move(*opened));
  }

  Result<std::shared_ptr<block::Backend>> open() {
    const block::Plugin plugin = std::string_view(GetParam().plugin) == "rd_mcp"
                                     ? backends::make_ramdisk_plugin(budget_)
                                     : backends::make_file_plugin(files_);
    block::ControlValues control = GetParam().control;
    if (control.contains("fd_dev_name")) control["fd_dev_name"] = directory_ / "disk";
    return plugin.open({std::string(GetParam().plugin) + "_0/disk", {}, control});
  }

  void serve(Flaw flaw) {
    std::shared_ptr<block::Backend> served = below_;
    if (flaw != Flaw::none) served = std::make_shared<BrokenBackend>(below_, flaw);
    ASSERT_TRUE(target_.subsystem->add_namespace(kNsid, {.backend = served}));
    target_.loops.run_until_idle();
  }

  bool serve_no_more() {
    bool removed = false;
    if (!target_.subsystem->remove_namespace(kNsid, [&removed] { removed = true; })) return false;
    hosts_.clear();
    while (!removed)
      if (!turn()) return false;
    return true;
  }

  // Other threads work for the loops: an idle turn may be followed by one that is not.
  bool turn() {
    const auto now = std::chrono::steady_clock::now();
    if (target_.loops.run_turn()) {
      last_work_ = now;
      return true;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    return now - last_work_ < std::chrono::minutes(1);
  }

  fabric::FakeHost& connect() {
    hosts_.push_back(std::make_unique<fabric::FakeHost>(
        target_.loops[0], *target_.port, [this] { return turn(); },
        fabric::FakeHost::Options{.subnqn = target::kTestNqn}));
    fabric::FakeHost& host = *hosts_.back();
    EXPECT_TRUE(host.connect().ok());
    for (std::uint16_t qid = 1; qid <= 2; ++qid)
      EXPECT_TRUE(host.connect_io(Qid(qid), target_.loops[qid % 2]).ok());
    return host;
  }

  Witness witness(fabric::FakeHost& host, std::uint64_t seed) {
    return {host, kNsid, kBlocks, below_->geometry().block_bytes, seed};
  }

  backends::ScratchDirectory directory_;
  backends::RamBudget budget_{std::uint64_t{1} << 30};
  target::TestTarget target_;
  InlineFileIos files_{target_.loops};
  std::shared_ptr<block::VolatileBackend> below_;
  std::chrono::steady_clock::time_point last_work_ = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<fabric::FakeHost>> hosts_;
};

constexpr int kRounds = 6;
constexpr int kCommands = 80;

TEST_P(DurabilityTest, WhatWasFlushedOrForcedSurvives) {
  serve(Flaw::none);
  Witness seen = witness(connect(), 1);
  std::size_t vanished = 0;
  for (int round = 0; round < kRounds; ++round) {
    seen.work(kCommands, {});
    below_->lose();
    EXPECT_THAT(seen.look(), IsEmpty()) << "round " << round;
    vanished += seen.vanished();
  }
  EXPECT_GT(vanished, 0u) << "nothing was lost that may be lost: the power did not fail";
  EXPECT_EQ(seen.failed_commands(), 0u);
}

TEST_P(DurabilityTest, AFlushThatNobodyPassesOnIsCaught) {
  serve(Flaw::no_flush);
  Witness seen = witness(connect(), 2);
  seen.work(kCommands, {.one_fua_in = 0});
  seen.flush();
  below_->lose();
  EXPECT_THAT(seen.look(), Not(IsEmpty()));
  EXPECT_EQ(seen.failed_commands(), 0u);
}

TEST_P(DurabilityTest, AForcedWriteThatIsNoneIsCaught) {
  serve(Flaw::no_fua);
  Witness seen = witness(connect(), 3);
  seen.work(kCommands, {.one_fua_in = 1, .one_flush_in = 0});
  below_->lose();
  EXPECT_THAT(seen.look(), Not(IsEmpty()));
  EXPECT_EQ(seen.failed_commands(), 0u);
}

TEST_P(DurabilityTest, WithTheWriteCacheOffNothingVanishes) {
  for (const Flaw flaw : {Flaw::none, Flaw::no_fua}) {
    ASSERT_TRUE(flaw == Flaw::none || serve_no_more());
    serve(flaw);
    fabric::FakeHost& host = connect();
    Witness seen = witness(host, flaw == Flaw::none ? 4 : 5);
    seen.look();
    constexpr std::uint8_t kWriteCache = 0x06;
    ASSERT_TRUE(host.set_features({.fid = kWriteCache, .cdw11 = 0}).ok());
    seen.work(kCommands, {.one_fua_in = 0, .one_flush_in = 0});
    seen.note_all_durable();
    below_->lose();
    const auto lost = seen.look();
    EXPECT_EQ(lost.empty(), flaw == Flaw::none) << lost.size();
    EXPECT_EQ(seen.failed_commands(), 0u);
  }
}

TEST_P(DurabilityTest, AShutdownFlushes) {
  for (const Flaw flaw : {Flaw::none, Flaw::no_flush}) {
    ASSERT_TRUE(flaw == Flaw::none || serve_no_more());
    serve(flaw);
    fabric::FakeHost& host = connect();
    Witness seen = witness(host, flaw == Flaw::none ? 6 : 7);
    seen.look();
    seen.work(kCommands, {.one_fua_in = 0, .one_flush_in = 0});
    EXPECT_TRUE(host.shutdown().ok());
    seen.note_all_durable();
    below_->lose();
    hosts_.clear();
    seen.new_host(connect());
    EXPECT_EQ(seen.look().empty(), flaw == Flaw::none);
    EXPECT_EQ(seen.failed_commands(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Backends, DurabilityTest,
    testing::Values(
        Kind{"ramdisk", "rd_mcp", {{"size", "1M"}}},
        Kind{"file_direct",
             "fileio",
             {{"fd_dev_name", ""}, {"create", "1"}, {"fd_dev_size", "4M"}, {"block_size", "4096"}}},
        Kind{"file_buffered",
             "fileio",
             {{"fd_dev_name", ""}, {"create", "1"}, {"fd_dev_size", "4M"}, {"fd_buffered_io", "1"}}}),
    [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace weft::durability
