// The suite that every backend passes, alone and below every filter.  Include it in one .cc of a test binary
// and write, with conformance_cases() giving the case itself and one for each filter above it:
//
//   INSTANTIATE_TEST_SUITE_P(Ramdisk, BackendConformance, testing::ValuesIn(conformance_cases({...})),
//   case_name);
#pragma once

#include "block/conformance_disk.h"
#include "block/delay.h"
#include "block/fault.h"
#include "block/stats.h"
#include "block/volatile.h"
#include "block/window.h"

namespace weft::block {

class FilteredEnvironment final : public ConformanceEnvironment {
 public:
  using Wrap = std::function<std::shared_ptr<Backend>(std::shared_ptr<Backend>)>;

  FilteredEnvironment(std::unique_ptr<ConformanceEnvironment> below, Wrap wrap, bool follows_size)
      : below_(std::move(below)), wrap_(std::move(wrap)), follows_size_(follows_size) {}
  LoopDriver& driver() override { return below_->driver(); }
  Result<std::shared_ptr<Backend>> open() override {
    auto opened = below_->open();
    if (!opened) return opened;
    return wrap_(std::move(*opened));
  }
  bool keeps_data() const override { return below_->keeps_data(); }
  bool durable() const override { return below_->durable(); }
  bool resize(std::uint64_t blocks) override { return follows_size_ && below_->resize(blocks); }

 private:
  const std::unique_ptr<ConformanceEnvironment> below_;
  const Wrap wrap_;
  const bool follows_size_;
};

inline std::shared_ptr<Backend> middle_window(std::shared_ptr<Backend> below) {
  const std::uint64_t blocks = below->geometry().blocks;
  const std::uint64_t margin = 256 * 1024 / below->geometry().block_bytes;
  return std::make_shared<WindowBackend>(std::move(below), margin, blocks - 2 * margin);
}

inline std::shared_ptr<Backend> slow(std::shared_ptr<Backend> below) {
  auto delay = std::make_shared<DelayBackend>(std::move(below));
  delay->set_latency(std::chrono::microseconds(20));
  return delay;
}

// The case itself and one below each filter.
inline std::vector<ConformanceCase> conformance_cases(const ConformanceCase& plain, bool null_data = false) {
  struct Filter {
    const char* name;
    FilteredEnvironment::Wrap wrap;
    bool follows_size = true;
  };
  std::vector<Filter> filters = {
      {"window", &middle_window, false},
      {"delay", &slow},
      {"fault", [](auto below) { return std::make_shared<FaultBackend>(std::move(below)); }},
      {"stats", [](auto below) { return std::make_shared<StatsBackend>(std::move(below)); }},
  };
  // Above a backend that keeps nothing, this one reads as written until it is flushed: neither rule fits.
  if (!null_data)
    filters.push_back(
        {"volatile", [](auto below) { return std::make_shared<VolatileBackend>(std::move(below)); }});
  std::vector<ConformanceCase> cases = {plain};
  for (const Filter& filter : filters)
    cases.push_back({plain.name + "_below_" + filter.name, [make = plain.make, filter] {
                       return std::make_unique<FilteredEnvironment>(make(), filter.wrap, filter.follows_size);
                     }});
  return cases;
}

class BackendConformance : public testing::TestWithParam<ConformanceCase> {
 protected:
  std::uint64_t blocks_of(std::uint64_t bytes) { return bytes / disk.geometry.block_bytes; }

  std::unique_ptr<ConformanceEnvironment> environment = GetParam().make();
  Disk disk{*environment};
};

inline std::string case_name(const testing::TestParamInfo<ConformanceCase>& info) {
  return info.param.name;
}

TEST_P(BackendConformance, HasAGeometry) {
  EXPECT_TRUE(disk.geometry.block_bytes == 512 || disk.geometry.block_bytes == 4096);
  EXPECT_GE(disk.geometry.bytes(), 3u * 1024 * 1024);
  EXPECT_FALSE(disk.geometry.read_only);
  EXPECT_FALSE(disk.backend->name().empty());
  EXPECT_FALSE(disk.backend->info().empty());
  EXPECT_TRUE(disk.backend->fence().idle());
}

TEST_P(BackendConformance, ReadsWhatWasWrittenInAnySizeAndSplit) {
  const std::uint64_t most = blocks_of(1024 * 1024);
  for (std::uint64_t blocks = 1; blocks <= most; blocks = blocks * 2 + disk.dice.below(2)) {
    const std::uint64_t lba = disk.dice.below(disk.geometry.blocks - blocks);
    disk.write(lba, blocks);
    disk.expect(lba, blocks);
  }
  disk.write(0, most);
  disk.expect(0, most);
}

TEST_P(BackendConformance, ReachesTheFirstAndTheLastBlock) {
  const std::uint64_t last = disk.geometry.blocks - 1;
  disk.write(0, 1);
  disk.write(last, 1);
  disk.expect(0, 2);
  disk.expect(last - 1, 2);
}

TEST_P(BackendConformance, WritesZeroes) {
  for (const bool may_unmap : {false, true}) {
    const std::uint64_t far = blocks_of(1024 * 1024);
    disk.write(0, blocks_of(512 * 1024));
    disk.zero(Op::write_zeroes, 3, 1, may_unmap);
    disk.zero(Op::write_zeroes, 5, blocks_of(256 * 1024), may_unmap);
    disk.expect(0, blocks_of(512 * 1024));
    disk.write(far, 16);
    disk.zero(Op::write_zeroes, far, 8, may_unmap, true);
    disk.expect(far, 16);
    disk.zero(Op::write_zeroes, 0, blocks_of(2 * 1024 * 1024), may_unmap);
    disk.expect(0, far + 16);
  }
}

TEST_P(BackendConformance, DiscardedBlocksReadZeroesAndOthersStay) {
  disk.write(0, blocks_of(512 * 1024));
  disk.zero(Op::discard, 1, 1);
  disk.zero(Op::discard, 11, blocks_of(256 * 1024));
  disk.expect(0, blocks_of(512 * 1024));
  disk.write(12, 3);
  disk.expect(0, blocks_of(512 * 1024));
}

TEST_P(BackendConformance, FlushesAndWritesThrough) {
  disk.flush();
  disk.write(7, 5);
  disk.flush();
  disk.write(9, 5, true);
  disk.flush();
  disk.expect(0, 32);
}

TEST_P(BackendConformance, RefusesRangesBeyondTheEnd) {
  const std::uint64_t end = disk.geometry.blocks;
  const struct {
    std::uint64_t lba, blocks;
  } ranges[] = {{end, 1}, {end - 1, 2}, {end + 1, 1}, {~std::uint64_t{0}, 1}, {~std::uint64_t{0} - 1, 8},
                {1, end}};
  for (const auto& range : ranges)
    for (const Op op : {Op::read, Op::write, Op::write_zeroes, Op::discard}) {
      auto io = std::make_unique<DiskIo>(op, range.lba, range.blocks);
      EXPECT_EQ(disk.run_one(std::move(io)), op == Op::write ? ENOSPC : EINVAL)
          << "op " << int(op) << " of " << range.blocks << " from " << range.lba;
    }
  for (const Op op : {Op::read, Op::write, Op::write_zeroes, Op::discard})
    EXPECT_EQ(disk.run_one(std::make_unique<DiskIo>(op, 0, 0)), EINVAL);
  disk.expect(end - 8, 8);
}

TEST_P(BackendConformance, TakesManyAtOnce) {
  constexpr std::uint64_t kMany = 300;
  const std::uint64_t each = std::max<std::uint64_t>(1, blocks_of(8192));
  Disk::Batch writes;
  for (std::uint64_t i = 0; i < kMany; ++i) writes.push_back(disk.make_write(i * each, each, i % 16 == 0));
  for (int i = 0; i < 20; ++i) writes.push_back(std::make_unique<DiskIo>(Op::flush, 0, 0));
  disk.run(writes);
  Disk::Batch reads;
  for (const auto& io : writes) {
    EXPECT_EQ(io->error, 0);
    if (io->op == Op::flush) continue;
    disk.note(*io);
    reads.push_back(disk.make_read(io->lba, io->blocks));
  }
  disk.run(reads);
  for (const auto& io : reads) disk.expect_read(*io);
}

// Rounds of operations that are in flight together and do not overlap, each in its own slice of the disk.
TEST_P(BackendConformance, KeepsToTheModelUnderRandomOperations) {
  constexpr std::uint64_t kSlices = 24;
  const std::uint64_t slice = disk.geometry.blocks / kSlices;
  for (int round = 0; round < 25; ++round) {
    Disk::Batch batch;
    for (std::uint64_t i = 0; i < kSlices; ++i) {
      const std::uint64_t blocks = 1 + disk.dice.below(std::min(slice, blocks_of(128 * 1024)));
      const std::uint64_t lba = i * slice + disk.dice.below(slice - blocks + 1);
      const std::uint64_t kind = disk.dice.below(10);
      if (kind < 4) {
        batch.push_back(disk.make_write(lba, blocks, disk.dice.one_in(8)));
      } else if (kind < 7) {
        batch.push_back(disk.make_read(lba, blocks));
      } else if (kind == 7) {
        batch.push_back(std::make_unique<DiskIo>(Op::flush, 0, 0));
      } else {
        batch.push_back(std::make_unique<DiskIo>(kind == 8 ? Op::write_zeroes : Op::discard, lba, blocks));
        batch.back()->may_unmap = disk.dice.one_in(2);
      }
    }
    disk.run(batch);
    for (const auto& io : batch) {
      EXPECT_EQ(io->error, 0);
      if (io->op == Op::read) disk.expect_read(*io);
      if (modifies(io->op)) disk.note(*io);
    }
  }
  for (std::uint64_t lba = 0; lba < disk.geometry.blocks; lba += blocks_of(1024 * 1024))
    disk.expect(lba, std::min(blocks_of(1024 * 1024), disk.geometry.blocks - lba));
}

TEST_P(BackendConformance, WhatIsLentStaysAsItWas) {
  if (!disk.lends()) GTEST_SKIP() << "it does not lend";
  const std::uint64_t all = blocks_of(64 * 1024);
  disk.write(0, all);
  const auto loan = disk.borrow(3, all - 5);
  ASSERT_NE(loan, nullptr);
  const auto before = loan->get_lent();
  disk.write(5, 2);
  EXPECT_EQ(loan->get_lent(), before);
  disk.expect(0, all);
  disk.zero(Op::write_zeroes, 0, all / 2, true);
  disk.zero(Op::discard, all / 2, all / 2);
  EXPECT_EQ(loan->get_lent(), before);
  disk.expect(0, all);
  disk.write(0, all);
  EXPECT_EQ(loan->get_lent(), before);
  if (const auto second = disk.borrow(4, 2)) disk.give_back(*second);
  disk.expect(0, all);
  disk.give_back(*loan);
  disk.expect(0, all);
  const auto again = disk.borrow(3, all - 5);
  ASSERT_NE(again, nullptr);
  disk.give_back(*again);
}

TEST_P(BackendConformance, LendsNothingBeyondTheEnd) {
  if (!disk.lends()) GTEST_SKIP() << "it does not lend";
  auto io = std::make_unique<DiskIo>(Op::read, disk.geometry.blocks - 1, 2);
  io->ask_for_loan();
  EXPECT_EQ(disk.run_one(std::move(io)), EINVAL);
  const auto last = disk.borrow(disk.geometry.blocks - 1, 1);
  ASSERT_NE(last, nullptr);
  disk.give_back(*last);
}

// Many loans at once, of few places, given back in any order while the places are written.
TEST_P(BackendConformance, KeepsToTheModelWhileMuchIsLent) {
  if (!disk.lends()) GTEST_SKIP() << "it does not lend";
  const std::uint64_t all = blocks_of(128 * 1024);
  struct Held {
    std::unique_ptr<DiskIo> io;
    std::vector<std::byte> was;
  };
  std::vector<Held> held;
  for (int round = 0; round < 400; ++round) {
    const std::uint64_t blocks = 1 + disk.dice.below(all / 4);
    const std::uint64_t lba = disk.dice.below(all - blocks + 1);
    const std::uint64_t kind = disk.dice.below(8);
    if (kind < 3) {
      if (auto io = disk.borrow(lba, blocks)) {
        auto was = io->get_lent();
        held.push_back({std::move(io), std::move(was)});
      }
    } else if (kind < 5) {
      disk.write(lba, blocks);
    } else if (kind == 5) {
      disk.zero(disk.dice.one_in(2) ? Op::discard : Op::write_zeroes, lba, blocks, disk.dice.one_in(2));
    } else if (!held.empty()) {
      std::swap(held[disk.dice.below(held.size())], held.back());
      EXPECT_EQ(held.back().io->get_lent(), held.back().was);
      disk.give_back(*held.back().io);
      held.pop_back();
    }
    if (round % 8 == 0) disk.expect(0, all);
  }
  for (const Held& each : held) {
    EXPECT_EQ(each.io->get_lent(), each.was);
    disk.give_back(*each.io);
  }
  disk.expect(0, all);
}

TEST_P(BackendConformance, ClosesWithNothingInFlight) {
  auto& driver = environment->driver();
  std::unique_ptr<Channel> other;
  driver.call([&] { other = disk.backend->open_channel(driver.loop()); });
  disk.write(0, 1);
  driver.call([&] { other.reset(); });
  disk.expect(0, 1);
}

TEST_P(BackendConformance, KeepsFlushedDataAcrossAReopen) {
  disk.write(0, blocks_of(64 * 1024));
  disk.zero(Op::write_zeroes, 3, 2);
  disk.flush();
  disk.write(blocks_of(512 * 1024), 9, true);
  disk.close();
  disk.open();
  if (!environment->durable()) return disk.flush();
  disk.expect(0, blocks_of(64 * 1024));
  disk.expect(blocks_of(512 * 1024), 9);
}

TEST_P(BackendConformance, FollowsItsSize) {
  struct Observer final : BackendObserver {
    void geometry_changed() override { ++changes; }
    std::atomic<int> changes{0};
  } observer;
  disk.backend->add_observer(observer);
  const std::uint64_t before = disk.geometry.blocks;
  const std::uint64_t grown = before + blocks_of(1024 * 1024);
  const bool resizable = environment->resize(grown);
  EXPECT_TRUE(disk.backend->refresh());
  EXPECT_EQ(disk.backend->geometry().blocks, resizable ? grown : before);
  EXPECT_EQ(observer.changes > 0, resizable);
  if (resizable) {
    EXPECT_EQ(disk.run_one(disk.make_write(grown - 1, 1)), 0);
    ASSERT_TRUE(environment->resize(before - 1));
    EXPECT_TRUE(disk.backend->refresh());
    EXPECT_EQ(disk.run_one(disk.make_read(before - 1, 1)), EINVAL);
    EXPECT_EQ(disk.run_one(disk.make_write(before - 1, 1)), ENOSPC);
    EXPECT_EQ(disk.run_one(disk.make_read(before - 2, 1)), 0);
  }
  disk.backend->remove_observer(observer);
}

}  // namespace weft::block
