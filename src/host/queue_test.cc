// A queue over a connection that the test plays: room, order, fused pairs, loss.
#include "host/queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/test_loop.h"
#include "host/io_queue.h"
#include "wire/fabrics.h"
#include "wire/io_command.h"

namespace weft::host {
namespace {

// The other side: it keeps what comes until the test answers.
class Peer final : public fabric::Initiator {
 public:
  class Connection final : public fabric::HostConnection {
   public:
    Connection(Peer& peer, Loop& loop, fabric::HostConnectionOwner& owner)
        : peer_(peer), loop_(loop), owner_(owner) {
      peer_.connection = this;
      loop_.post(ready_);
    }
    ~Connection() override { peer_.connection = nullptr; }
    void submit(fabric::HostCommand& command) override {
      command.sqe.cid = next_cid_++;
      peer_.commands.push_back(&command);
    }
    void set_in_capsule_bytes(std::uint32_t /*bytes*/) override {}
    void close() override {
      auto lost = std::move(peer_.commands);
      peer_.commands.clear();
      for (fabric::HostCommand* each : lost) {
        each->end = fabric::HostCommand::End::lost;
        each->done(*each);
      }
      loop_.post(closed_);
    }
    void break_off() { owner_.on_ended({ECONNRESET, "broken off"}); }

   private:
    void ready() { owner_.on_ready(); }
    void closed() { owner_.on_closed(); }
    Peer& peer_;
    Loop& loop_;
    fabric::HostConnectionOwner& owner_;
    std::uint16_t next_cid_ = 0;
    MemberTask<Connection, &Connection::ready> ready_{*this};
    MemberTask<Connection, &Connection::closed> closed_{*this};
  };

  std::string_view name() const override { return "test"; }
  wire::TransportType trtype() const override { return wire::TransportType::loop; }
  std::unique_ptr<fabric::HostConnection> connect(Loop& loop, const fabric::ConnectOptions& /*options*/,
                                                  fabric::HostConnectionOwner& owner) override {
    return std::make_unique<Connection>(*this, loop, owner);
  }
  Result<fabric::ListenOptions> canonical(const fabric::ListenOptions& options) const override {
    return options;
  }

  void answer(std::size_t place, wire::Status status = wire::status::kSuccess, std::uint32_t dw0 = 0) {
    fabric::HostCommand* const command = commands.at(place);
    commands.erase(commands.begin() + static_cast<std::ptrdiff_t>(place));
    command->end = fabric::HostCommand::End::completed;
    command->cqe = {};
    command->cqe.result = dw0;
    command->cqe.status = status.encode();
    command->done(*command);
  }

  Connection* connection = nullptr;
  std::vector<fabric::HostCommand*> commands;
};

class Owner final : public QueueOwner {
 public:
  void on_queue_up(Queue& /*queue*/, Cntlid /*cntlid*/) override {}
  void on_queue_failed(Queue& queue, const QueueFailure& failure) override {
    final_failures.push_back(failure.final);
    queue.close();
  }
  void on_queue_closed(Queue& /*queue*/) override {}
  void on_abort_wanted(Queue& /*queue*/, Cid cid) override { aborts.push_back(cid.value()); }
  std::vector<std::uint16_t> aborts;
  std::vector<bool> final_failures;
};

struct Told : Command {
  Told() {
    sqe = wire::make_read({.nsid = Nsid(1)});
    then = [](Command& ended) noexcept { ++static_cast<Told&>(ended).ends; };
  }
  int ends = 0;
};

struct Pair {
  Pair() {
    compare.sqe = wire::make_compare({.nsid = Nsid(1)});
    write.sqe = wire::make_write({.nsid = Nsid(1)});
    compare.fused_with = &write;
  }
  Told compare;
  Told write;
};

class QueueTest : public ::testing::Test, protected PathDoubter {
 protected:
  void open(std::uint32_t entries) {
    queue.open(Cntlid(1), {.entries = entries});
    loop.run_until_idle();
    peer.answer(0);  // Connect
    io.set_path(0, &queue, Access::optimized);
  }
  void TearDown() override {
    queue.close();
    io.give_up();
    loop.run_until_idle();
  }
  void doubt(std::size_t /*path*/) override { ++doubts; }
  wire::Fuse fuse(std::size_t place) const { return peer.commands.at(place)->sqe.fuse(); }

  TestLoop loop;
  Peer peer;
  Owner owner;
  Options options;
  Queue queue{loop, peer, options, Qid(1), owner};
  Queue admin{loop, peer, options, Qid(0), owner};
  IoQueue io{loop, 1, std::nullopt, static_cast<PathDoubter&>(*this)};
  int doubts = 0;
};

// Its connection was lost between the Connects, which the controller noticed and the host not yet.
TEST_F(QueueTest, AnIoQueueOfAControllerThatHasGoneIsNoReasonToGiveUp) {
  using wire::status::kConnectInvalidParameters;
  const auto cntlid =
      static_cast<std::uint32_t>(wire::invalid_parameter_result(wire::connect_field::kCntlid, true));
  const auto qid =
      static_cast<std::uint32_t>(wire::invalid_parameter_result(wire::connect_field::kQid, false));
  const struct {
    Queue& queue;
    wire::Status status;
    std::uint32_t where;
    bool is_final;
  } rows[] = {{queue, kConnectInvalidParameters, cntlid, false},
              {queue, kConnectInvalidParameters.with_dnr(), cntlid, false},
              {queue, kConnectInvalidParameters.with_dnr(), qid, true},
              {queue, wire::status::kInternalError, 0, false},
              {admin, kConnectInvalidParameters, cntlid, true},
              {admin, kConnectInvalidParameters.with_dnr(), cntlid, true}};
  for (const auto& row : rows) {
    row.queue.open(Cntlid(1), {.entries = 4});
    loop.run_until_idle();
    owner.final_failures.clear();
    peer.answer(0, row.status, row.where);
    EXPECT_EQ(owner.final_failures, std::vector<bool>{row.is_final}) << wire::name(row.status) << row.where;
    loop.run_until_idle();
  }
}

TEST_F(QueueTest, AFusedPairGoesOutSideBySideAndEndsOnce) {
  open(4);
  Told before;
  Pair pair;
  Told after;
  for (Told* each : {&before, &pair.compare, &after}) io.submit(*each);
  ASSERT_EQ(peer.commands, (std::vector<fabric::HostCommand*>{&before, &pair.compare, &pair.write}));
  EXPECT_EQ(fuse(0), wire::Fuse::none);
  EXPECT_EQ(fuse(1), wire::Fuse::first);
  EXPECT_EQ(fuse(2), wire::Fuse::second);
  peer.answer(2);
  EXPECT_EQ(peer.commands.size(), 3u) << "what waited has its place: before, compare, after";
  EXPECT_EQ(pair.compare.ends, 0);
  peer.answer(1);
  EXPECT_EQ(pair.compare.ends, 1);
  EXPECT_EQ(pair.write.ends, 0) << "the first tells for both";
  EXPECT_TRUE(pair.compare.ok() && pair.write.ok());
  peer.answer(1);
  peer.answer(0);
  EXPECT_EQ(before.ends + after.ends, 2);
}

TEST_F(QueueTest, AFusedPairWaitsForTwoPlaces) {
  open(3);
  Told before;
  Pair pair;
  io.submit(before);
  io.submit(pair.compare);
  EXPECT_EQ(peer.commands.size(), 1u);
  peer.answer(0);
  EXPECT_EQ(peer.commands.size(), 2u);
  peer.answer(0, wire::status::kCompareFailure);
  peer.answer(0, wire::status::kAbortedFailedFused);
  EXPECT_EQ(pair.compare.ends, 1);
  EXPECT_FALSE(pair.compare.ok());
  EXPECT_FALSE(pair.write.ok());
}

TEST_F(QueueTest, AQueueThatHasNoRoomForAPairSaysSo) {
  open(2);
  Pair pair;
  io.submit(pair.compare);
  loop.run_until_idle();
  EXPECT_EQ(pair.compare.ends, 1);
  EXPECT_EQ(pair.compare.error_code(), ECANCELED);
}

TEST_F(QueueTest, AFusedPairIsLostAndSentAgainAsAPair) {
  open(4);
  Pair pair;
  io.submit(pair.compare);
  peer.answer(0);  // the Compare: the Write is lost
  peer.connection->break_off();
  loop.run_until_idle();
  EXPECT_EQ(pair.compare.ends, 0);
  open(4);
  ASSERT_EQ(peer.commands, (std::vector<fabric::HostCommand*>{&pair.compare, &pair.write}));
  EXPECT_EQ(fuse(0), wire::Fuse::first);
  EXPECT_EQ(fuse(1), wire::Fuse::second);
  peer.answer(0);
  peer.answer(0, wire::status::kAnaTransition);
  EXPECT_EQ(pair.compare.ends, 0);
  EXPECT_EQ(doubts, 1) << "what the path refused goes again, too";
  io.set_path(0, &queue, Access::optimized);
  peer.answer(0);
  peer.answer(0);
  EXPECT_EQ(pair.compare.ends, 1);
}

TEST_F(QueueTest, WhatAPathRefusesIsNotCounted) {
  open(4);
  Told command;
  io.submit(command);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(peer.commands.size(), 1u);
    peer.answer(0, wire::status::kAnaInaccessible);
    ASSERT_EQ(command.ends, 0);
    io.set_path(0, &queue, Access::optimized);
  }
  peer.answer(0);
  EXPECT_EQ(command.ends, 1);
  EXPECT_TRUE(command.ok());
}

TEST_F(QueueTest, WhatAPathRefusesEndsWithTheTimeWithoutAPath) {
  constexpr std::chrono::seconds kTime{5};
  open(4);
  IoQueue bounded(loop, 1, kTime, static_cast<PathDoubter&>(*this));
  bounded.set_path(0, &queue, Access::optimized);
  Told command;
  for (int round = 1; round <= 2; ++round) {
    bounded.submit(command);
    peer.answer(0, wire::status::kAnaInaccessible);
    bounded.set_path(0, &queue, Access::optimized);
    loop.advance(kTime - std::chrono::seconds(1));
    peer.answer(0, wire::status::kAnaInaccessible);
    EXPECT_EQ(command.ends, round - 1) << "it has its time again each time it is submitted";
    bounded.set_path(0, &queue, Access::optimized);
    loop.advance(std::chrono::seconds(1));
    peer.answer(0, wire::status::kAnaInaccessible);
    EXPECT_EQ(command.ends, round);
    EXPECT_FALSE(command.ok());
    bounded.set_path(0, &queue, Access::optimized);
  }
  bounded.give_up();
  io.set_path(0, &queue, Access::optimized);
}

TEST_F(QueueTest, BothOfAPairAreAborted) {
  open(8);
  Pair pair;
  io.submit(pair.compare);
  io.cancel(pair.compare);
  io.cancel(pair.compare);
  const std::vector<std::uint16_t> wanted{pair.write.sqe.cid, pair.compare.sqe.cid};
  EXPECT_EQ(owner.aborts, wanted);
  peer.answer(0, wire::status::kAbortRequested);
  peer.answer(0, wire::status::kAbortRequested);
  EXPECT_EQ(pair.compare.error_code(), ECANCELED);
}

TEST_F(QueueTest, AnAbortThatHitsAnotherCommandIsMadeGood) {
  open(8);
  Told other;
  io.submit(other);
  peer.answer(0, wire::status::kAbortRequested);
  EXPECT_EQ(other.ends, 0);
  loop.advance(std::chrono::milliseconds(200));
  peer.answer(0);
  EXPECT_EQ(other.ends, 1);
  EXPECT_TRUE(other.ok());
}

TEST_F(QueueTest, AConnectThatIsLostIsNobodyElsesToSend) {
  open(4);
  peer.connection->break_off();
  loop.run_until_idle();
  for (const bool is_answered : {false, true}) {
    queue.open(Cntlid(1), {.entries = 4});
    loop.run_until_idle();
    is_answered ? peer.answer(0, wire::status::kInternalPathError) : peer.connection->break_off();
    loop.run_until_idle();
  }
  open(4);
  EXPECT_TRUE(peer.commands.empty());
}

TEST_F(QueueTest, WhatIsLostComesBackInItsOrder) {
  open(4);
  std::vector<std::unique_ptr<Told>> commands;
  for (int i = 0; i < 6; ++i) io.submit(*commands.emplace_back(std::make_unique<Told>()));
  EXPECT_EQ(peer.commands.size(), 3u);
  peer.connection->break_off();
  loop.run_until_idle();
  open(8);
  ASSERT_EQ(peer.commands.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(peer.commands[i], commands[i].get());
  while (!peer.commands.empty()) peer.answer(0);
}

}  // namespace
}  // namespace weft::host
