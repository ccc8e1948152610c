#include "base/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "base/test_loop.h"

namespace weft {
namespace {

using Party = BufferPool::Party;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * 1024;

// A command that notes its name when it is granted.
struct Command {
  Command(std::string& where, char as) : log(where), name(as) {}
  static void granted(BufferPool::Waiter& waiter) noexcept {
    auto& self = static_cast<Wait&>(waiter).owner;
    self.log += self.name;
    if (self.victim) self.pool->cancel(self.victim->wait);
  }
  struct Wait : BufferPool::Waiter {
    explicit Wait(Command& of) : Waiter(&Command::granted, buffers), owner(of) {}
    Buffers buffers;
    Command& owner;
  };
  std::string& log;
  char name;
  Wait wait{*this};
  BufferPool* pool = nullptr;
  Command* victim = nullptr;
};

class BufferPoolTest : public testing::Test {
 protected:
  TestLoop loop_;
  BufferPool pool_{loop_, kMiB};
  Party io_{Party::Kind::io};
  Party other_{Party::Kind::io};
  std::string log_;
};

TEST_F(BufferPoolTest, PiecesCoverWhatWasAskedFor) {
  struct Row {
    std::size_t bytes;
    std::size_t pieces;
    std::size_t footprint;
  };
  const Row rows[] = {
      {1, 1, 8 * kKiB},
      {512, 1, 8 * kKiB},
      {8 * kKiB, 1, 8 * kKiB},
      {8 * kKiB + 1, 2, 16 * kKiB},
      {16 * kKiB, 2, 16 * kKiB},
      {16 * kKiB + 1, 1, 128 * kKiB},
      {128 * kKiB, 1, 128 * kKiB},
      {128 * kKiB + 1, 2, 256 * kKiB},
      {kMiB, 8, kMiB},
  };
  for (const auto& row : rows) {
    Buffers buffers;
    ASSERT_TRUE(pool_.try_take(io_, row.bytes, buffers)) << row.bytes;
    EXPECT_EQ(buffers.bytes(), row.bytes);
    EXPECT_EQ(buffers.pieces().size(), row.pieces) << row.bytes;
    EXPECT_EQ(io_.held_bytes(), row.footprint) << row.bytes;
    EXPECT_EQ(pool_.held_bytes(), row.footprint) << row.bytes;
    std::size_t sum = 0;
    for (const auto& piece : buffers.pieces()) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece.iov_base) % 4096, 0u);
      std::memset(piece.iov_base, 0xA5, piece.iov_len);
      sum += piece.iov_len;
    }
    EXPECT_EQ(sum, row.bytes);
    pool_.give_back(io_, buffers);
    EXPECT_TRUE(buffers.empty());
    EXPECT_EQ(pool_.held_bytes(), 0u);
  }
}

TEST_F(BufferPoolTest, ThePiecesOfTwoCommandsAreApart) {
  Buffers first;
  Buffers second;
  ASSERT_TRUE(pool_.try_take(io_, 8 * kKiB, first));
  ASSERT_TRUE(pool_.try_take(other_, 8 * kKiB, second));
  std::memset(first.pieces()[0].iov_base, 1, 8 * kKiB);
  std::memset(second.pieces()[0].iov_base, 2, 8 * kKiB);
  EXPECT_EQ(static_cast<const char*>(first.pieces()[0].iov_base)[8 * kKiB - 1], 1);
  pool_.give_back(io_, first);
  pool_.give_back(other_, second);
}

TEST_F(BufferPoolTest, MemoryIsTakenOnceAndUsedAgain) {
  for (int round = 0; round < 100; ++round) {
    Buffers buffers;
    ASSERT_TRUE(pool_.try_take(io_, kMiB, buffers));
    pool_.give_back(io_, buffers);
  }
  EXPECT_EQ(pool_.mapped_bytes(), 2 * kMiB);
}

TEST_F(BufferPoolTest, MovedBuffersLeaveNothingBehind) {
  Buffers first;
  ASSERT_TRUE(pool_.try_take(io_, 4096, first));
  Buffers second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what moving leaves is promised
  EXPECT_EQ(second.bytes(), 4096u);
  pool_.give_back(io_, second);
  pool_.give_back(io_, second);  // empty: nothing to give
  EXPECT_EQ(pool_.held_bytes(), 0u);
}

TEST_F(BufferPoolTest, BeyondTheLimitOneWaitsUntilSomethingComesBack) {
  Buffers all;
  ASSERT_TRUE(pool_.try_take(io_, kMiB, all));
  Buffers none;
  EXPECT_FALSE(pool_.try_take(other_, 128 * kKiB, none));
  EXPECT_TRUE(none.empty());
  Command waiting(log_, 'w');
  pool_.wait(other_, 128 * kKiB, waiting.wait);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "");
  pool_.give_back(io_, all);
  EXPECT_EQ(log_, "");  // in a later turn, never inside give_back
  loop_.run_until_idle();
  EXPECT_EQ(log_, "w");
  EXPECT_EQ(waiting.wait.buffers.bytes(), 128 * kKiB);
  pool_.give_back(other_, waiting.wait.buffers);
}

TEST_F(BufferPoolTest, AFullPoolStillGivesEachPartyItsGuaranteedPart) {
  Buffers all;
  ASSERT_TRUE(pool_.try_take(io_, kMiB, all));
  Command blocked(log_, 'b');
  Party third(Party::Kind::io);
  pool_.wait(third, 512 * kKiB, blocked.wait);
  Buffers small;
  Buffers more;
  EXPECT_TRUE(pool_.try_take(other_, BufferPool::kGuaranteedBytes, small));
  EXPECT_FALSE(pool_.try_take(other_, 1, more));
  EXPECT_FALSE(pool_.try_take(io_, 1, more));  // holds more than its guaranteed part already
  Party admin(Party::Kind::admin);
  Buffers log_page;
  EXPECT_TRUE(pool_.try_take(admin, BufferPool::kAdminBytes, log_page));
  EXPECT_FALSE(pool_.try_take(admin, 1, more));
  Party capsule(Party::Kind::capsule);
  Buffers in_front;
  EXPECT_TRUE(pool_.try_take(capsule, 256 * kKiB, in_front));  // one command's, of any size
  EXPECT_FALSE(pool_.try_take(capsule, 1, more));
  pool_.give_back(capsule, in_front);
  EXPECT_TRUE(pool_.try_take(capsule, 1, more));
  pool_.give_back(capsule, more);
  pool_.give_back(admin, log_page);
  pool_.give_back(other_, small);
  pool_.cancel(blocked.wait);
  pool_.give_back(io_, all);
}

TEST_F(BufferPoolTest, ACommandLargerThanTheLimitPassesWhenNothingIsHeld) {
  Buffers small;
  ASSERT_TRUE(pool_.try_take(io_, 4096, small));
  Command large(log_, 'L');
  pool_.wait(other_, 2 * kMiB, large.wait);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "");
  pool_.give_back(io_, small);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "L");
  pool_.give_back(other_, large.wait.buffers);
}

TEST_F(BufferPoolTest, PartiesTakeTurnsAndEachKeepsItsOrder) {
  Buffers all;
  Party holder(Party::Kind::io);
  ASSERT_TRUE(pool_.try_take(holder, kMiB, all));
  Command a(log_, 'a');
  Command b(log_, 'b');
  Command c(log_, 'c');
  Command x(log_, 'x');
  Command y(log_, 'y');
  for (auto* command : {&a, &b, &c}) pool_.wait(io_, 128 * kKiB, command->wait);
  for (auto* command : {&x, &y}) pool_.wait(other_, 128 * kKiB, command->wait);
  pool_.give_back(holder, all);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "axbyc");
  for (auto* command : {&a, &b, &c}) pool_.give_back(io_, command->wait.buffers);
  for (auto* command : {&x, &y}) pool_.give_back(other_, command->wait.buffers);
}

TEST_F(BufferPoolTest, TheTurnGoesOnWhereItStoppedWhenMemoryIsShort) {
  Buffers all;
  Party holder(Party::Kind::io);
  ASSERT_TRUE(pool_.try_take(holder, kMiB, all));
  Command a(log_, 'a');
  Command b(log_, 'b');
  Command x(log_, 'x');
  for (auto* command : {&a, &b}) pool_.wait(io_, kMiB, command->wait);
  pool_.wait(other_, kMiB, x.wait);
  pool_.give_back(holder, all);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "a");
  pool_.give_back(io_, a.wait.buffers);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "ax");  // not the first party's second command
  pool_.give_back(other_, x.wait.buffers);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "axb");
  pool_.give_back(io_, b.wait.buffers);
}

TEST_F(BufferPoolTest, ALargeCommandIsNotOvertakenBySmallOnesOfOthers) {
  Buffers half;
  Buffers rest;
  Party holder(Party::Kind::io);
  ASSERT_TRUE(pool_.try_take(holder, 512 * kKiB, half));
  ASSERT_TRUE(pool_.try_take(holder, 512 * kKiB, rest));
  Command large(log_, 'L');
  Command medium(log_, 'm');
  pool_.wait(io_, kMiB, large.wait);
  pool_.wait(other_, 128 * kKiB, medium.wait);
  pool_.give_back(holder, half);  // enough for the medium one, which must not pass
  Buffers late;
  Party third(Party::Kind::io);
  EXPECT_FALSE(pool_.try_take(third, 128 * kKiB, late));  // nor may a newcomer
  loop_.run_until_idle();
  EXPECT_EQ(log_, "");
  pool_.give_back(holder, rest);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "L");
  pool_.give_back(io_, large.wait.buffers);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "Lm");
  pool_.give_back(other_, medium.wait.buffers);
}

TEST_F(BufferPoolTest, OnesOwnWaitersAreNotOvertaken) {
  Buffers all;
  ASSERT_TRUE(pool_.try_take(other_, kMiB, all));
  Command first(log_, 'f');
  pool_.wait(io_, 512 * kKiB, first.wait);
  Buffers second;
  EXPECT_FALSE(pool_.try_take(io_, 512, second));
  pool_.give_back(other_, all);
  EXPECT_FALSE(pool_.try_take(io_, 512, second));
  loop_.run_until_idle();
  EXPECT_TRUE(pool_.try_take(io_, 512, second));
  pool_.give_back(io_, first.wait.buffers);
  pool_.give_back(io_, second);
}

TEST_F(BufferPoolTest, OneWhoCancelsLetsTheNextPass) {
  Buffers most;
  ASSERT_TRUE(pool_.try_take(other_, 896 * kKiB, most));
  Command large(log_, 'L');
  Command small(log_, 's');
  Party third(Party::Kind::io);
  pool_.wait(io_, kMiB, large.wait);
  pool_.wait(third, 128 * kKiB, small.wait);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "");
  pool_.cancel(large.wait);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "s");
  pool_.give_back(third, small.wait.buffers);
  pool_.give_back(other_, most);
}

TEST_F(BufferPoolTest, CancelledInTheTurnThatGrantedItKeepsNothing) {
  Command first(log_, 'f');
  Command second(log_, 's');
  first.pool = &pool_;
  first.victim = &second;
  pool_.wait(io_, 4096, first.wait);
  pool_.wait(other_, 4096, second.wait);
  loop_.run_until_idle();
  EXPECT_EQ(log_, "f");
  EXPECT_TRUE(second.wait.buffers.empty());
  EXPECT_EQ(other_.held_bytes(), 0u);
  pool_.give_back(io_, first.wait.buffers);
}

TEST(BufferPoolDeathTest, LostBuffersAreOurMistake) {
  EXPECT_DEATH(
      {
        TestLoop loop;
        Party party(Party::Kind::io);
        Buffers buffers;
        loop.buffers().try_take(party, 512, buffers);
      },
      "go back to their pool");
}

TEST_F(BufferPoolTest, KnowsWhereItsMemoryIs) {
  BufferPool pool(loop_, 16 * kMiB);
  Party party(Party::Kind::io);
  Buffers first, second;
  ASSERT_TRUE(pool.try_take(party, 4 * kKiB, first));
  ASSERT_TRUE(pool.try_take(party, kMiB, second));
  for (Buffers* buffers : {&first, &second}) {
    for (const iovec& piece : buffers->pieces()) {
      const auto* const begin = static_cast<std::byte*>(piece.iov_base);
      const auto place = pool.map_of(begin);
      ASSERT_TRUE(place);
      const std::span<std::byte> map = pool.maps()[*place];
      EXPECT_GE(begin, map.data());
      EXPECT_LE(begin + piece.iov_len, map.data() + map.size());
      EXPECT_EQ(pool.map_of(begin + piece.iov_len - 1), place);
    }
  }
  EXPECT_EQ(pool.maps().size() * BufferPool::kMapBytes, pool.mapped_bytes());
  EXPECT_FALSE(pool.map_of(&pool));
  pool.give_back(party, first);
  pool.give_back(party, second);
}

}  // namespace
}  // namespace weft
