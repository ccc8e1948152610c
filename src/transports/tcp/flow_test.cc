// Flow control: what the transport takes of a host that sends more than the queue wants, and of one that
// reads nothing.
#include "transports/tcp/test_host.h"

namespace weft::tcp {
namespace {

using pdu::FatalError;

class TcpFlow : public TcpTest {};

// The queue has no memory for the data yet: the stream stands still, and goes on where it was.
TEST_F(TcpFlow, ACapsuleWaitsUntilItIsPulled) {
  auto far = open_queue();
  far->largest_chunk = 1000;
  for (std::uint16_t cid = 0; cid < 10; ++cid) put(*far, capsule(cid, {}, pattern(8192, cid)));
  loops.run_until_idle();
  ASSERT_EQ(queue().commands.size(), 1u);
  EXPECT_GE(far->pauses, 1u);
  EXPECT_LE(far->chunks_out, 3u);
  EXPECT_GT(far->to_near.size(), 9u * 8192 - 3000);
  loops.advance(std::chrono::hours(1));  // however long it takes
  EXPECT_FALSE(far->closed);
  for (unsigned i = 0; i < 10; ++i) {
    ASSERT_EQ(queue().commands.size(), i + 1);
    command(i).start_pull(8192);
    loops.run_until_idle();
    EXPECT_TRUE(command(i).done);
    EXPECT_EQ(command(i).memory, pattern(8192, i));
    command(i).answer();
  }
  loops.run_until_idle();
  EXPECT_EQ(take(*far, {}).size(), 10u);
  EXPECT_EQ(far->chunks_out, 0u);
}

// R2T is withheld until there is memory; other commands go on meanwhile.
TEST_F(TcpFlow, AnR2tWaitsForTheMemoryAndNobodyElseDoes) {
  auto far = open_queue();
  send(*far, capsule(0, {}, {}, 1u << 20));
  for (std::uint16_t cid = 1; cid < 10; ++cid) {
    send(*far, capsule(cid, {}, {}, 512));
    command(cid).answer_data(pattern(512));
  }
  loops.run_until_idle();
  EXPECT_EQ(take(*far, {}).size(), 9u);
  EXPECT_EQ(far->pauses, 0u);
}

TEST_F(TcpFlow, MoreCommandsThanTheQueueHasEntriesAreHandedOn) {
  auto far = open_queue({}, {.entries = 4});
  constexpr unsigned kMost = 2 * 4 + 8;
  for (std::uint16_t cid = 0; cid < 40; ++cid) put(*far, capsule(cid, {}, {}, 512));
  loops.run_until_idle();
  EXPECT_EQ(queue().commands.size(), kMost);
  EXPECT_FALSE(far->closed);
  // Each answer makes room for one more.
  for (unsigned i = 0; i < 40; ++i) {
    ASSERT_GT(queue().commands.size(), i);
    command(i).answer();
    loops.run_until_idle();
  }
  EXPECT_EQ(take(*far, {}).size(), 40u);
  EXPECT_FALSE(far->closed);
  EXPECT_EQ(transport->counts().fatal_errors, 0u);
}

// The data of a transfer is stuck behind commands that nobody may take: only the host's fault can do that.
TEST_F(TcpFlow, ExcessCommandsInFrontOfTheirOwnDataEndTheConnection) {
  auto far = open_queue({}, {.entries = 4});
  send(*far, capsule(0, {}, {}, 4096));
  command(0).start_pull(4096);
  loops.run_until_idle();
  const auto tag = take(*far, {}).at(0).as<pdu::R2t>().ttag;
  for (std::uint16_t cid = 1; cid < 40; ++cid) put(*far, capsule(cid, {}, {}, 512));
  put(*far, h2c_data(0, tag, 0, pattern(4096), true, {}));
  loops.run_until_idle();
  expect_fatal(*far, FatalError::pdu_sequence_error, 0);
  EXPECT_EQ(command(0).outcome, fabric::Pull::Outcome::lost);
}

// The same, but the transfer is granted when the host has gone too far already.
TEST_F(TcpFlow, ATransferGrantedBehindExcessCommandsEndsTheConnection) {
  auto far = open_queue({}, {.entries = 4});
  for (std::uint16_t cid = 0; cid < 40; ++cid) put(*far, capsule(cid, {}, {}, 512));
  loops.run_until_idle();
  command(0).start_pull(512);
  loops.run_until_idle();
  expect_fatal(*far, FatalError::pdu_sequence_error, 0);
  EXPECT_EQ(command(0).outcome, fabric::Pull::Outcome::lost);
}

// A host that reads nothing gets no more of its commands executed than the queue has places.
// A tag stands for each transfer that was granted; whoever finds none has the next that becomes free.
TEST_F(TcpFlow, MoreTransfersThanThereAreTagsWaitForOne) {
  constexpr std::uint16_t kTags = 4096;
  auto far = open_queue({}, {.entries = kTags});
  for (std::uint16_t cid = 0; cid <= kTags; ++cid) put(*far, capsule(cid, {}, {}, 8));
  loops.run_until_idle();
  ASSERT_EQ(queue().commands.size(), kTags + 1u);
  for (const auto& each : queue().commands) each->start_pull(8);
  loops.run_until_idle();
  const auto granted = take(*far, {});
  ASSERT_EQ(granted.size(), kTags);
  EXPECT_FALSE(command(kTags).done);
  const auto first = granted[0].as<pdu::R2t>();
  send(*far, h2c_data(0, first.ttag, 0, pattern(8), true, {}));
  EXPECT_TRUE(command(0).done);
  const auto next = take(*far, {});
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].as<pdu::R2t>().cccid, kTags);
  EXPECT_NE(next[0].as<pdu::R2t>().ttag, first.ttag) << "what comes late for the first hits nobody";
  send(*far, h2c_data(kTags, next[0].as<pdu::R2t>().ttag, 0, pattern(8, 9), true, {}));
  EXPECT_TRUE(command(kTags).done);
  EXPECT_EQ(command(kTags).memory, pattern(8, 9));
}

TEST_F(TcpFlow, AHostThatReadsNothingPilesUpNoAnswers) {
  auto far = open_queue({}, {.entries = 4});
  far->sends_held = true;
  queue().on_receive = [](Scripted& command) { command.answer_data(pattern(512)); };
  for (std::uint16_t cid = 0; cid < 100; ++cid) put(*far, capsule(cid, {}, {}, 512));
  loops.run_until_idle();
  EXPECT_EQ(queue().commands.size(), 16u);
  far->sends_held = false;
  far->stream->pump();
  loops.run_until_idle();
  EXPECT_EQ(queue().commands.size(), 100u);
  EXPECT_EQ(take(*far, {}).size(), 100u);
}

// A busy connection does not keep its neighbour waiting for more than a turn.
TEST_F(TcpFlow, ATurnTakesOnlySoMuchOfOneConnection) {
  options.turn.pdus = 8;
  auto busy = open_queue();
  ScriptedQueue& busy_queue = queue();
  auto other = open_queue();
  ScriptedQueue& others_queue = queue();
  std::size_t before_other = 0;
  busy_queue.on_receive = [](Scripted& command) { command.answer(); };
  others_queue.on_receive = [&](Scripted& command) {
    before_other = busy_queue.commands.size();
    command.answer();
  };
  for (std::uint16_t cid = 0; cid < 1000; ++cid) put(*busy, capsule(cid, {}));
  put(*other, capsule(1, {}));
  loops.run_until_idle();
  EXPECT_EQ(busy_queue.commands.size(), 1000u);
  EXPECT_EQ(others_queue.commands.size(), 1u);
  EXPECT_LE(before_other, 16u);
}

TEST_F(TcpFlow, ATurnTakesOnlySoManyBytes) {
  options.turn.bytes = 4096;
  auto far = open_queue();
  queue().on_receive = [](Scripted& command) {
    command.then = [&command] { command.answer(); };
    command.start_pull(4096);
  };
  for (std::uint16_t cid = 0; cid < 64; ++cid) put(*far, capsule(cid, {}, pattern(4096)));
  std::size_t most = 0;
  std::size_t before = 0;
  while (loops.run_turn()) {
    most = std::max(most, queue().commands.size() - before);
    before = queue().commands.size();
  }
  EXPECT_EQ(before, 64u);
  EXPECT_LE(most, 3u);
}

// Received memory is lent by the loop to all its connections: those that stand still keep little of it.
TEST_F(TcpFlow, StandingStillKeepsFewChunks) {
  auto far = open_queue();
  far->largest_chunk = 100;
  for (std::uint16_t cid = 0; cid < 10; ++cid) put(*far, capsule(cid, {}, pattern(8192, cid)));
  loops.run_until_idle();
  EXPECT_LE(far->chunks_out, 3u);
  far->stream->end(0);
  loops.run_until_idle();
  EXPECT_TRUE(far->closed);
  EXPECT_EQ(far->chunks_out, 0u);
}

}  // namespace
}  // namespace weft::tcp
