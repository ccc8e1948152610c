#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "target/test_target.h"

namespace weft::target {
namespace {

using namespace wire::status;

// A write that waits behind a late one, on a queue of another loop than the admin queue's.
class Abort : public testing::Test {
 protected:
  Abort() {
    EXPECT_TRUE(host->connect_io(Qid(1), target.loops[1]).ok());
    late.lba = 0;
    late.blocks = 8;
    backend->fence().add(late);
  }
  ~Abort() override {
    if (late.registered) backend->fence().remove(late);
    target.loops.run_until_idle();
  }

  fabric::Exchange& send_write() {
    wire::Sqe sqe = wire::make_write({.nsid = Nsid(1), .range = {.slba = 0, .blocks = 1}});
    fabric::Exchange& exchange = host->io(Qid(1)).submit(sqe, {.out = data});
    target.loops.run_until_idle();
    EXPECT_FALSE(exchange.finished());
    return exchange;
  }

  TestTarget target;
  std::shared_ptr<block::MemoryBackend> backend = target.add_namespace(1);
  std::unique_ptr<fabric::FakeHost> host = target.connect();
  std::vector<std::byte> data = std::vector<std::byte>(512);
  block::Fence::Late late;
};

TEST_F(Abort, EndsACommandOfAnotherLoop) {
  fabric::Exchange& write = send_write();
  const auto answer = host->abort(Qid(1), Cid(write.sqe.cid));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.dw0() & wire::kAbortResultNotAborted, 0u);
  ASSERT_TRUE(write.completed());
  EXPECT_TRUE(write.status().is(kAbortRequested));
}

TEST_F(Abort, SaysThatItFoundNothing) {
  fabric::Exchange& write = send_write();
  const auto unknown_command = static_cast<std::uint16_t>(write.sqe.cid + 1);
  for (const auto& [qid, cid] :
       {std::pair<std::uint16_t, std::uint16_t>{1, unknown_command}, {2, 0}, {0, 999}}) {
    const auto answer = host->abort(Qid(qid), Cid(cid));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer.dw0(), wire::kAbortResultNotAborted) << qid << " " << cid;
  }
  EXPECT_FALSE(write.finished());
}

TEST_F(Abort, OfItselfIsNone) {
  wire::Sqe sqe = wire::make_abort({.sqid = Qid(0), .cid = Cid(40)});
  sqe.cid = 40;
  const auto answer = host->execute(host->admin(), sqe, {.keep_cid = true});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.dw0(), wire::kAbortResultNotAborted);
}

// What it waited for has just ended: it goes on.
TEST_F(Abort, ComesTooLateForWhatMayGoOn) {
  fabric::Exchange& write = send_write();
  fabric::Exchange& abort =
      host->admin().submit(wire::make_abort({.sqid = Qid(1), .cid = Cid(write.sqe.cid)}));
  backend->fence().remove(late);
  target.loops.run_until_idle();
  ASSERT_TRUE(abort.completed());
  EXPECT_EQ(abort.cqe().dw0(), wire::kAbortResultNotAborted);
  ASSERT_TRUE(write.completed());
  EXPECT_TRUE(write.status().ok());
}

TEST_F(Abort, EndsACommandThatWaitsForMemory) {
  // A queue that holds less has some memory of its own.
  for (std::size_t held = 0; held < BufferPool::kGuaranteedBytes; held += kSmallBufferBytes) send_write();
  BufferPool& pool = target.loops[1].buffers();
  BufferPool::Party greedy(BufferPool::Party::Kind::io);
  std::deque<Buffers> all;
  for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{512}})
    while (pool.try_take(greedy, bytes, all.emplace_back())) continue;
  fabric::Exchange& write = send_write();
  EXPECT_FALSE(write.was_pulled());
  const auto answer = host->abort(Qid(1), Cid(write.sqe.cid));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.dw0() & wire::kAbortResultNotAborted, 0u);
  ASSERT_TRUE(write.completed());
  EXPECT_TRUE(write.status().is(kAbortRequested));
  for (Buffers& each : all) pool.give_back(greedy, each);
}

TEST_F(Abort, MayMeetAQueueThatGoes) {
  const std::uint16_t cid = send_write().sqe.cid;
  host->io(Qid(1)).cut();
  fabric::Exchange& abort = host->admin().submit(wire::make_abort({.sqid = Qid(1), .cid = Cid(cid)}));
  target.loops.run_until_idle();
  EXPECT_TRUE(abort.completed());
}

TEST_F(Abort, MayComeBackToALostConnection) {
  const std::uint16_t cid = send_write().sqe.cid;
  fabric::Exchange& abort = host->admin().submit(wire::make_abort({.sqid = Qid(1), .cid = Cid(cid)}));
  host->admin().cut();
  target.loops.run_until_idle();
  EXPECT_TRUE(abort.finished());
  EXPECT_FALSE(abort.completed());
}

}  // namespace
}  // namespace weft::target
