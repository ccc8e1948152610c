#include "reactor/file_table.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <span>
#include <string>

#include "reactor/socket.h"

namespace weft::reactor {
namespace {

struct Pair {
  Pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
    near = Descriptor(fds[0]);
    far = Descriptor(fds[1]);
  }
  Descriptor near;
  Descriptor far;
};

struct Outcome : Completion {
  Outcome() : Completion(&Outcome::note) {}
  static void note(Completion& completion, int result, std::uint32_t) noexcept {
    auto& self = static_cast<Outcome&>(completion);
    self.result = result;
    self.is_done = true;
  }
  int result = 0;
  bool is_done = false;
};

class FileTableTest : public ::testing::Test {
 protected:
  FileTableTest() {
    if (!ring_.open()) std::abort();
  }
  static bool is_unused() { return file_table_entries() == 0; }

  void receive(int slot, std::span<char> into, Outcome& outcome) {
    io_uring_sqe& sqe = ring_.next(&outcome);
    io_uring_prep_recv(&sqe, -1, into.data(), into.size(), 0);
    use_slot(sqe, slot);
    ring_.submit();
  }
  void finish(const Outcome& outcome) {
    while (!outcome.is_done) {
      ring_.submit_and_sleep(std::nullopt);
      ring_.run_completions(100);
    }
  }

  Ring ring_;
  FileTable table_{ring_};
};

TEST_F(FileTableTest, WithoutEntriesNothingIsEntered) {
  const Pair pair;
  EXPECT_EQ(table_.enter(pair.near.get()), kNoSlot);
  table_.open(0);
  EXPECT_EQ(table_.enter(pair.near.get()), kNoSlot);
  table_.leave(kNoSlot);
}

TEST_F(FileTableTest, AnOperationOnAnEntryNeedsNoDescriptor) {
  table_.open(4);
  Pair pair;
  const int slot = table_.enter(pair.near.get());
  ASSERT_NE(slot, kNoSlot);
  pair.near.reset();
  std::array<char, 4> bytes{};
  Outcome outcome;
  receive(slot, bytes, outcome);
  ASSERT_EQ(::write(pair.far.get(), "weft", 4), 4);
  finish(outcome);
  EXPECT_EQ(outcome.result, 4);
  EXPECT_EQ(std::string(bytes.data(), 4), "weft");
  table_.leave(slot);
}

TEST_F(FileTableTest, EntriesAreDistinctLimitedAndUsedAgain) {
  constexpr unsigned kEntries = 8;
  table_.open(kEntries);
  const Pair pair;
  for (int round = 0; round < 3; ++round) {
    std::set<int> slots;
    for (unsigned i = 0; i < kEntries; ++i) slots.insert(table_.enter(pair.near.get()));
    EXPECT_EQ(slots.size(), kEntries);
    EXPECT_EQ(*slots.begin(), 0);
    EXPECT_EQ(table_.enter(pair.near.get()), kNoSlot);
    for (const int slot : slots) table_.leave(slot);
  }
}

TEST_F(FileTableTest, ABadDescriptorTakesNoEntry) {
  table_.open(1);
  EXPECT_EQ(table_.enter(-1), kNoSlot);
  constexpr int kNeverOpen = 1 << 30;
  EXPECT_EQ(table_.enter(kNeverOpen), kNoSlot);
  const Pair pair;
  EXPECT_EQ(table_.enter(pair.near.get()), 0);
}

// What a kernel that file_table_entries() trusts must do: a connection that was closed ends, however long its
// neighbours' receives wait.
TEST_F(FileTableTest, WhatLeavesIsClosedBesideASilentNeighbour) {
  if (is_unused()) GTEST_SKIP() << "this kernel gives entries back late, so none are used on it";
  table_.open(file_table_entries());
  Pair silent;
  Pair other;
  const int silent_slot = table_.enter(silent.near.get());
  const int other_slot = table_.enter(other.near.get());
  ASSERT_NE(silent_slot, kNoSlot);
  ASSERT_NE(other_slot, kNoSlot);
  std::array<char, 4> bytes{};
  Outcome outcome;
  receive(silent_slot, bytes, outcome);
  table_.leave(other_slot);
  other.near.reset();
  ring_.submit();
  pollfd end{other.far.get(), POLLRDHUP, 0};
  constexpr int kPatienceMs = 60'000;
  EXPECT_EQ(::poll(&end, 1, kPatienceMs), 1);
  EXPECT_FALSE(outcome.is_done);
  silent.far.reset();
  finish(outcome);
}

}  // namespace
}  // namespace weft::reactor
