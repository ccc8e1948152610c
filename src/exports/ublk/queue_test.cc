#include "exports/ublk/queue.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <span>
#include <utility>

#include "base/test_loop.h"
#include "block/memory_backend.h"

namespace weft::ublk {
namespace {

constexpr std::uint16_t kDepth = 4;
constexpr std::uint32_t kMostBytes = 16384;
constexpr std::uint16_t kIndex = 1;

// The driver's side of a queue, as the test plays it.
class PlayedDriver : public reactor::DeviceIo {
 public:
  PlayedDriver() : fd_(::memfd_create("ublk", MFD_CLOEXEC)) {
    const auto place = kIndex * UBLK_MAX_QUEUE_DEPTH * sizeof(ublksrv_io_desc);
    bytes_ = place + 4096;
    EXPECT_EQ(::ftruncate(fd_, static_cast<off_t>(bytes_)), 0);
    memory_ = static_cast<std::byte*>(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    described_ = {reinterpret_cast<ublksrv_io_desc*>(memory_ + place), kDepth};
  }
  ~PlayedDriver() override {
    ::munmap(memory_, bytes_);
    ::close(fd_);
  }
  int fd() const { return fd_; }

  void command(reactor::DeviceCommand& command) override {
    ublksrv_io_cmd argument{};
    std::memcpy(&argument, command.argument.data(), sizeof argument);
    EXPECT_EQ(argument.q_id, kIndex);
    EXPECT_EQ(command.code, started_.contains(argument.tag) ? kCommitAndFetch : kFetch);
    started_.insert(argument.tag);
    waiting_[argument.tag] = {&command, argument};
  }

  // A request of a block device, and what the queue answers.
  int ask(TestLoop& loop, std::uint16_t tag, std::uint32_t op_flags, std::uint64_t sector,
          std::uint32_t sectors) {
    described_[tag] = {.op_flags = op_flags, .nr_sectors = sectors, .start_sector = sector};
    complete(tag, UBLK_IO_RES_OK);
    loop.run_until_idle();
    EXPECT_NE(waiting_[tag].first, nullptr);
    return waiting_[tag].second.result;
  }
  std::span<std::byte> data(std::uint16_t tag) {
    return {reinterpret_cast<std::byte*>(waiting_[tag].second.addr), kMostBytes};
  }
  void complete(std::uint16_t tag, int result) {
    std::exchange(waiting_[tag].first, nullptr)->run(result, 0);
  }

 private:
  const int fd_;
  std::size_t bytes_ = 0;
  std::byte* memory_ = nullptr;
  std::span<ublksrv_io_desc> described_;
  std::pair<reactor::DeviceCommand*, ublksrv_io_cmd> waiting_[kDepth];
  std::set<std::uint16_t> started_;
};

class UblkQueue : public testing::Test {
 protected:
  void start(std::uint32_t block_bytes) {
    backend_ = std::make_unique<block::MemoryBackend>(64, block_bytes);
    queue_ = std::make_unique<Queue>(loop_, driver_, *backend_);
    ASSERT_TRUE(
        queue_->start({.fd = driver_.fd(), .index = kIndex, .depth = kDepth, .most_bytes = kMostBytes}));
    EXPECT_FALSE(queue_->is_over());
  }
  void TearDown() override {
    for (std::uint16_t tag = 0; tag < kDepth; ++tag) {
      EXPECT_FALSE(queue_->is_over());
      driver_.complete(tag, UBLK_IO_RES_ABORT);
    }
    EXPECT_TRUE(queue_->is_over());
    queue_.reset();
  }
  int ask(std::uint16_t tag, std::uint32_t op_flags, std::uint64_t sector, std::uint32_t sectors) {
    return driver_.ask(loop_, tag, op_flags, sector, sectors);
  }

  void carry_data_both_ways() {
    for (std::size_t at = 0; at < kMostBytes; ++at) driver_.data(2)[at] = static_cast<std::byte>(at * 7 / 5);
    EXPECT_EQ(ask(2, UBLK_IO_OP_WRITE, 16, 32), static_cast<int>(kMostBytes));
    EXPECT_EQ(ask(0, UBLK_IO_OP_READ, 16, 32), static_cast<int>(kMostBytes));
    EXPECT_EQ(std::memcmp(driver_.data(0).data(), driver_.data(2).data(), kMostBytes), 0);
    EXPECT_EQ(ask(0, UBLK_IO_OP_READ, 24, 8), 4096);
    EXPECT_EQ(std::memcmp(driver_.data(0).data(), driver_.data(2).data() + 4096, 4096), 0);
  }

  TestLoop loop_;
  PlayedDriver driver_;
  std::unique_ptr<block::MemoryBackend> backend_;
  std::unique_ptr<Queue> queue_;
};

TEST_F(UblkQueue, CarriesDataBothWaysInBlocksOf512) {
  start(512);
  carry_data_both_ways();
}

TEST_F(UblkQueue, CarriesDataBothWaysInBlocksOf4096) {
  start(4096);
  carry_data_both_ways();
}

TEST_F(UblkQueue, CarriesFlushesForcedWritesAndErasures) {
  start(512);
  std::memset(driver_.data(1).data(), 0x5A, kMostBytes);
  EXPECT_EQ(ask(1, UBLK_IO_OP_WRITE | UBLK_IO_F_FUA, 0, 8), 4096);
  EXPECT_EQ(backend_->fua_writes(), 1U);
  EXPECT_EQ(ask(1, UBLK_IO_OP_FLUSH, 0, 0), 0);
  EXPECT_EQ(backend_->flushes(), 1U);
  EXPECT_EQ(ask(3, UBLK_IO_OP_DISCARD, 0, 2), 0);
  EXPECT_EQ(ask(3, UBLK_IO_OP_WRITE_ZEROES, 2, 2), 0);
  EXPECT_EQ(ask(1, UBLK_IO_OP_READ, 0, 8), 4096);
  const auto is_zero = [](std::byte each) { return each == std::byte{0}; };
  EXPECT_TRUE(std::ranges::all_of(driver_.data(1).first(2048), is_zero));
  EXPECT_TRUE(std::ranges::none_of(driver_.data(1).subspan(2048, 2048), is_zero));
}

TEST_F(UblkQueue, AnswersErrors) {
  start(512);
  EXPECT_EQ(ask(0, UBLK_IO_OP_WRITE, 60, 8), -ENOSPC);
  EXPECT_EQ(ask(0, UBLK_IO_OP_READ, 60, 8), -EINVAL);
  EXPECT_EQ(ask(0, UBLK_IO_OP_WRITE_SAME, 0, 1), -EOPNOTSUPP);
  EXPECT_EQ(ask(0, UBLK_IO_OP_READ, 56, 8), 4096);
}

}  // namespace
}  // namespace weft::ublk
