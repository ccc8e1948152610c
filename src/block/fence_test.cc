#include "block/fence.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "base/test_loop.h"

namespace weft::block {
namespace {

struct Waiting {
  Waiting(Loop& loop, std::uint64_t lba, std::uint64_t blocks) : waiter(loop, task) {
    waiter.lba = lba;
    waiter.blocks = blocks;
  }
  void go() { ++told; }
  int told = 0;
  MemberTask<Waiting, &Waiting::go> task{*this};
  Fence::Waiter waiter;
};

struct Range {
  std::uint64_t lba, blocks;
};

void add(Fence& fence, Fence::Late& late, Range range) {
  late.lba = range.lba;
  late.blocks = range.blocks;
  fence.add(late);
}

TEST(Fence, BlocksWhatOverlapsOnly) {
  const struct {
    Range late, next;
    bool admitted;
  } rows[] = {
      {{10, 5}, {10, 5}, false}, {{10, 5}, {14, 1}, false}, {{10, 5}, {0, 100}, false},
      {{10, 5}, {12, 1}, false}, {{10, 5}, {15, 1}, true},  {{10, 5}, {0, 10}, true},
      {{10, 0}, {10, 5}, true},  {{10, 5}, {9, 2}, false},
  };
  TestLoop loop;
  for (const auto& row : rows) {
    Fence fence;
    Fence::Late late;
    add(fence, late, row.late);
    EXPECT_FALSE(fence.idle());
    Waiting next(loop, row.next.lba, row.next.blocks);
    EXPECT_EQ(fence.admit(next.waiter), row.admitted) << row.late.lba << " against " << row.next.lba;
    EXPECT_EQ(next.waiter.waiting, !row.admitted);
    fence.remove(late);
    EXPECT_TRUE(fence.idle());
    loop.run_until_idle();
    EXPECT_EQ(next.told, row.admitted ? 0 : 1);
    EXPECT_TRUE(fence.admit(next.waiter));
  }
}

TEST(Fence, ReleasesAWaiterWhenItsLastObstacleIsGone) {
  TestLoop loop;
  Fence fence;
  Fence::Late first, second;
  add(fence, first, {0, 4});
  add(fence, second, {8, 4});
  Waiting both(loop, 0, 16), one(loop, 3, 1);
  EXPECT_FALSE(fence.admit(both.waiter));
  EXPECT_FALSE(fence.admit(one.waiter));
  fence.remove(first);
  loop.run_until_idle();
  EXPECT_EQ(one.told, 1);
  EXPECT_EQ(both.told, 0);
  fence.remove(second);
  loop.run_until_idle();
  EXPECT_EQ(both.told, 1);
}

TEST(Fence, CancelTellsWhetherTheTaskComes) {
  TestLoop loop;
  Fence fence;
  Fence::Late late;
  add(fence, late, {0, 4});
  Waiting cancelled(loop, 0, 1), posted(loop, 1, 1);
  EXPECT_FALSE(fence.admit(cancelled.waiter));
  EXPECT_FALSE(fence.admit(posted.waiter));
  EXPECT_TRUE(fence.cancel(cancelled.waiter));
  fence.remove(late);
  EXPECT_FALSE(fence.cancel(posted.waiter));
  loop.run_until_idle();
  EXPECT_EQ(cancelled.told, 0);
  EXPECT_EQ(posted.told, 1);
}

TEST(Fence, IsOverloadedBeyondItsLimitOnly) {
  Fence fence;
  std::vector<std::unique_ptr<Fence::Late>> many;
  for (std::uint32_t i = 0; i < Fence::kMaxLate; ++i) {
    many.push_back(std::make_unique<Fence::Late>());
    add(fence, *many.back(), {0, 0});
  }
  EXPECT_FALSE(fence.overloaded());
  many.push_back(std::make_unique<Fence::Late>());
  add(fence, *many.back(), {0, 0});
  EXPECT_TRUE(fence.overloaded());
  EXPECT_EQ(fence.late_count(), Fence::kMaxLate + 1);
  for (auto& late : many) fence.remove(*late);
  EXPECT_TRUE(fence.idle());
}

TEST(Fence, TellsALoopFromOtherThreads) {
  TestLoop loop;
  Fence fence;
  for (int round = 0; round < 200; ++round) {
    Fence::Late late;
    add(fence, late, {0, 1});
    Waiting next(loop, 0, 1);
    ASSERT_FALSE(fence.admit(next.waiter));
    std::thread remover([&] { fence.remove(late); });
    EXPECT_TRUE(loop.run_until([&] { return next.told == 1; }));
    remover.join();
  }
}

}  // namespace
}  // namespace weft::block
