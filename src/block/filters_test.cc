// What each filter is for; that it changes nothing else is the conformance suite's part.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "block/conformance_disk.h"
#include "block/delay.h"
#include "block/fault.h"
#include "block/memory_backend.h"
#include "block/stats.h"
#include "block/volatile.h"
#include "block/window.h"

namespace weft::block {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kBlocks = 1024;
constexpr std::uint32_t kBlockBytes = 512;

struct Io : DiskIo {
  Io(Op what, std::uint64_t first, std::uint64_t count, int byte = 0) : DiskIo(what, first, count) {
    pending = &still_pending;
    if (what != Op::read && what != Op::write) return;
    Dice dice(1);
    allocate(kBlockBytes, dice);
    for (const iovec& piece : data) std::memset(piece.iov_base, byte, piece.iov_len);
  }
  int first_byte() const { return std::to_integer<int>(get().front()); }
  std::atomic<std::size_t> still_pending = 1;
};

class FilterTest : public testing::Test {
 protected:
  int run(Channel& channel, Io& io) {
    channel.submit(io);
    loop.run_until_idle();
    EXPECT_TRUE(io.answered_once);
    return io.error;
  }
  int run(Channel& channel, Op op, std::uint64_t lba = 0, std::uint64_t blocks = 1, int byte = 0,
          bool fua = false) {
    Io io(op, lba, op == Op::flush ? 0 : blocks, byte);
    io.fua = fua;
    return run(channel, io);
  }
  int byte_at(Channel& channel, std::uint64_t lba) {
    Io io(Op::read, lba, 1, 0xEE);
    EXPECT_EQ(run(channel, io), 0);
    return io.first_byte();
  }

  TestLoop loop;
  std::shared_ptr<MemoryBackend> memory = std::make_shared<MemoryBackend>(kBlocks, kBlockBytes);
};

TEST_F(FilterTest, WindowMovesTheRange) {
  auto window = WindowBackend::open(memory, 100, 10);
  ASSERT_TRUE(window);
  auto above = (*window)->open_channel(loop);
  auto below = memory->open_channel(loop);
  EXPECT_EQ(run(*above, Op::write, 9, 1, 7), 0);
  EXPECT_EQ(byte_at(*below, 109), 7);
  EXPECT_EQ(run(*above, Op::write, 10, 1, 7), ENOSPC);
  EXPECT_EQ(byte_at(*below, 110), 0);
}

TEST_F(FilterTest, WindowMustLieWithinItsBackend) {
  const struct {
    std::uint64_t first, blocks;
    bool fits;
  } rows[] = {{0, kBlocks, true},  {1, kBlocks, false}, {kBlocks - 1, 1, true},
              {kBlocks, 1, false}, {0, 0, false},       {5, ~std::uint64_t{0}, false}};
  for (const auto& row : rows)
    EXPECT_EQ(WindowBackend::open(memory, row.first, row.blocks).has_value(), row.fits)
        << row.first << " " << row.blocks;
}

TEST_F(FilterTest, WindowShrinksWithWhatIsBelow) {
  auto window = WindowBackend::open(memory, 100, 10);
  memory->resize(104);
  EXPECT_EQ((*window)->geometry().blocks, 4u);
  memory->resize(50);
  EXPECT_EQ((*window)->geometry().blocks, 0u);
}

// The thread sanitizer sees whether a half-made filter is told.
TEST_F(FilterTest, MayBeMadeAndDestroyedWhileItsBackendChanges) {
  std::atomic<bool> stop = false;
  std::jthread resizer([&] {
    for (std::uint64_t blocks = 1; !stop; blocks = blocks % 8 + 1) memory->resize(blocks);
  });
  for (int i = 0; i < 2000; ++i) (void)VolatileBackend(memory);
  stop = true;
}

TEST_F(FilterTest, DelayLetsALaterWriteOvertakeAHeldOne) {
  auto delay = std::make_shared<DelayBackend>(memory);
  auto channel = delay->open_channel(loop);
  delay->hold({.ops = op_bit(Op::write), .first = 5, .end = 6});
  Io held(Op::write, 5, 1, 1);
  channel->submit(held);
  EXPECT_EQ(run(*channel, Op::write, 6, 1, 9), 0);
  EXPECT_EQ(byte_at(*channel, 5), 0);
  EXPECT_FALSE(held.answered_once);
  EXPECT_EQ(delay->held(), 1u);
  delay->stop_holding();
  EXPECT_EQ(run(*channel, Op::write, 5, 1, 2), 0);
  EXPECT_EQ(byte_at(*channel, 5), 2);
  delay->release();
  loop.run_until_idle();
  EXPECT_TRUE(held.answered_once);
  EXPECT_EQ(delay->held(), 0u);
  EXPECT_EQ(byte_at(*channel, 5), 1);
}

TEST_F(FilterTest, DelayIsReleasedFromAnyThread) {
  auto delay = std::make_shared<DelayBackend>(memory);
  auto channel = delay->open_channel(loop);
  delay->hold({});
  Io flush(Op::flush, 0, 0), read(Op::read, 0, 1);
  channel->submit(flush);
  channel->submit(read);
  std::thread other([&] { delay->release(); });
  EXPECT_TRUE(loop.run_until([&] { return flush.answered_once && read.answered_once; }));
  other.join();
}

TEST_F(FilterTest, DelayTakesItsLatency) {
  auto delay = std::make_shared<DelayBackend>(memory);
  auto channel = delay->open_channel(loop);
  delay->set_latency(10ms);
  Io read(Op::read, 0, 1);
  channel->submit(read);
  loop.advance(9ms);
  EXPECT_FALSE(read.answered_once);
  loop.advance(1ms);
  EXPECT_TRUE(read.answered_once);
}

TEST_F(FilterTest, FaultFailsTheNthThatMatches) {
  auto fault = std::make_shared<FaultBackend>(memory);
  auto channel = fault->open_channel(loop);
  fault->plan(
      {.match = {.ops = op_bit(Op::write), .first = 10, .end = 20}, .error = ENOSPC, .skip = 1, .count = 2});
  EXPECT_EQ(run(*channel, Op::write, 10, 1, 1), 0);
  EXPECT_EQ(run(*channel, Op::write, 9, 1, 1), 0);
  EXPECT_EQ(run(*channel, Op::write, 9, 2, 1), ENOSPC);
  EXPECT_EQ(run(*channel, Op::read, 10, 1), 0);
  EXPECT_EQ(run(*channel, Op::write, 19, 1, 1), ENOSPC);
  EXPECT_EQ(run(*channel, Op::write, 19, 1, 1), 0);
  EXPECT_EQ(fault->failed(), 2u);
}

TEST_F(FilterTest, FaultKeepsAFailedFlushFromTheBackend) {
  auto fault = std::make_shared<FaultBackend>(memory);
  auto channel = fault->open_channel(loop);
  fault->plan({.match = {.ops = op_bit(Op::flush)}, .error = EIO});
  EXPECT_EQ(run(*channel, Op::flush), EIO);
  EXPECT_EQ(memory->flushes(), 0u);
  fault->clear();
  EXPECT_EQ(run(*channel, Op::flush), 0);
  EXPECT_EQ(memory->flushes(), 1u);
}

TEST_F(FilterTest, StatsCountWhatPassed) {
  auto delay = std::make_shared<DelayBackend>(memory);
  auto stats = std::make_shared<StatsBackend>(delay);
  auto channel = stats->open_channel(loop);
  EXPECT_EQ(run(*channel, Op::flush), 0);
  delay->set_latency(100us);
  Io write(Op::write, 0, 3), beyond(Op::write, kBlocks, 1);
  channel->submit(write);
  channel->submit(beyond);
  EXPECT_EQ(stats->snapshot().in_flight, 2u);
  loop.advance(100us);
  channel.reset();  // its numbers stay
  const StatsSnapshot after = stats->snapshot();
  EXPECT_EQ(after.in_flight, 0u);
  EXPECT_EQ(after.of(Op::write).done, 2u);
  EXPECT_EQ(after.of(Op::write).errors, 1u);
  EXPECT_EQ(after.of(Op::write).bytes, 3u * kBlockBytes);
  EXPECT_EQ(after.of(Op::write).latency[7], 2u);  // 64 us to 128 us
  EXPECT_EQ(after.of(Op::flush).done, 1u);
  EXPECT_EQ(after.of(Op::read).done, 0u);
}

class VolatileTest : public FilterTest {
 protected:
  std::shared_ptr<VolatileBackend> cache = std::make_shared<VolatileBackend>(memory);
  std::unique_ptr<Channel> channel = cache->open_channel(loop);
};

TEST_F(VolatileTest, ForgetsWhatWasNotFlushed) {
  EXPECT_EQ(run(*channel, Op::write, 0, 4, 1), 0);
  EXPECT_EQ(run(*channel, Op::flush), 0);
  EXPECT_EQ(run(*channel, Op::write, 0, 2, 2), 0);
  EXPECT_EQ(run(*channel, Op::write_zeroes, 3, 1), 0);
  EXPECT_EQ(byte_at(*channel, 1), 2);
  EXPECT_EQ(byte_at(*channel, 3), 0);
  EXPECT_EQ(cache->unflushed_blocks(), 3u);
  cache->lose();
  for (std::uint64_t lba = 0; lba < 4; ++lba) EXPECT_EQ(byte_at(*channel, lba), 1) << lba;
}

TEST_F(VolatileTest, KeepsWhatWasWrittenThrough) {
  EXPECT_EQ(run(*channel, Op::write, 0, 1, 1), 0);
  EXPECT_EQ(run(*channel, Op::write, 1, 1, 2, true), 0);
  EXPECT_GE(memory->fua_writes(), 1u);
  cache->lose();
  EXPECT_EQ(byte_at(*channel, 0), 0);
  EXPECT_EQ(byte_at(*channel, 1), 2);
}

TEST_F(VolatileTest, AFlushIsDurableBelowBeforeItCompletes) {
  auto delay = std::make_shared<DelayBackend>(memory);
  auto above = std::make_shared<VolatileBackend>(delay);
  auto slow = above->open_channel(loop);
  EXPECT_EQ(run(*slow, Op::write, 0, 1, 1), 0);
  delay->hold({.ops = op_bit(Op::flush)});
  Io flush(Op::flush, 0, 0);
  slow->submit(flush);
  loop.run_until_idle();
  EXPECT_FALSE(flush.answered_once);
  delay->release();
  loop.run_until_idle();
  EXPECT_TRUE(flush.answered_once);
  EXPECT_EQ(memory->flushes(), 1u);
}

// What was written while a flush was on its way is not covered by it.
TEST_F(VolatileTest, AWriteDuringAFlushStaysUnflushed) {
  auto delay = std::make_shared<DelayBackend>(memory);
  auto above = std::make_shared<VolatileBackend>(delay);
  auto slow = above->open_channel(loop);
  EXPECT_EQ(run(*slow, Op::write, 0, 1, 1), 0);
  delay->hold({.ops = op_bit(Op::flush)});
  Io flush(Op::flush, 0, 0);
  slow->submit(flush);
  loop.run_until_idle();
  EXPECT_EQ(run(*slow, Op::write, 0, 1, 2), 0);
  delay->release();
  loop.run_until_idle();
  EXPECT_EQ(byte_at(*slow, 0), 2);
  above->lose();
  EXPECT_EQ(byte_at(*slow, 0), 1);
}

TEST_F(VolatileTest, AFlushThatFailsBelowFailsAndKeepsItsBlocks) {
  auto fault = std::make_shared<FaultBackend>(memory);
  auto above = std::make_shared<VolatileBackend>(fault);
  auto failing = above->open_channel(loop);
  fault->plan({.match = {.ops = op_bit(Op::flush)}, .error = EIO, .count = 1});
  EXPECT_EQ(run(*failing, Op::write, 0, 1, 1), 0);
  EXPECT_EQ(run(*failing, Op::flush), EIO);
  EXPECT_EQ(above->unflushed_blocks(), 1u);
  EXPECT_EQ(run(*failing, Op::flush), 0);
  EXPECT_EQ(above->unflushed_blocks(), 0u);
}

// Swallows flushes and claims success: the planted fault that the volatile filter is there to catch.
class NoFlushBackend final : public FilterBackend {
 public:
  using FilterBackend::FilterBackend;
  std::unique_ptr<Channel> open_channel(Loop& loop) override {
    return std::make_unique<NoFlushChannel>(loop, lower());
  }

 private:
  class NoFlushChannel final : public FilterChannel<ChildRequest> {
   public:
    NoFlushChannel(Loop& loop, Backend& lower) : FilterChannel(loop, lower), answers_(loop) {}
    void submit(Request& request) override {
      if (request.op == Op::flush) return answers_.add(request, 0);
      pass_down(adopt(request));
    }

   private:
    Completions answers_;
  };
};

TEST_F(VolatileTest, CatchesAFlushThatDoesNothing) {
  for (const bool planted : {false, true}) {
    std::shared_ptr<Backend> above = cache;
    if (planted) above = std::make_shared<NoFlushBackend>(cache);
    auto top = above->open_channel(loop);
    const std::uint64_t lba = planted ? 20 : 10;
    EXPECT_EQ(run(*top, Op::write, lba, 1, 1), 0);
    EXPECT_EQ(run(*top, Op::flush), 0);
    cache->lose();
    EXPECT_EQ(byte_at(*top, lba), planted ? 0 : 1);
  }
}

}  // namespace
}  // namespace weft::block
