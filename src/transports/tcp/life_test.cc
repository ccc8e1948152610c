// The ends of connections: by the host, the queue, the listener and the transport, with commands in every
// state.

#include "transports/tcp/test_host.h"

namespace weft::tcp {
namespace {

using pdu::PduType;

class TcpLife : public TcpTest {
 protected:
  // Commands in every state: waiting for a pull in the capsule, by R2T, partly received, answered but not
  // sent.
  std::shared_ptr<Far> busy() {
    auto far = open_queue();
    for (std::uint16_t cid = 0; cid < 4; ++cid) put(*far, capsule(cid, {}, {}, 10'000));
    put(*far, capsule(4, {}, pattern(64)));
    put(*far, capsule(5, {}, pattern(64)));
    loops.run_until_idle();
    command(0).start_pull(10'000);  // granted
    command(1).start_pull(10'000);  // partly received
    loops.run_until_idle();
    const auto r2ts = take(*far, {});
    EXPECT_EQ(r2ts.size(), 2u);
    command(4).answer();  // the next capsule comes, with data that nobody pulls
    send(*far, Bytes());
    far->sends_held = true;
    command(2).answer_data(pattern(10'000));
    return far;
  }
  void expect_all_let_go(Far& far) {
    EXPECT_TRUE(far.closed);
    EXPECT_TRUE(queue().gone);
    EXPECT_TRUE(command(0).done);
    EXPECT_EQ(command(0).outcome, fabric::Pull::Outcome::lost);
    EXPECT_EQ(command(1).outcome, fabric::Pull::Outcome::lost);
    EXPECT_TRUE(command(2).released);
    EXPECT_EQ(far.chunks_out, 0u);
    EXPECT_EQ(transport->connections(), 0u);
  }
};

TEST_F(TcpLife, TheHostCloses) {
  for (const int error : {0, ECONNRESET, ETIMEDOUT}) {
    auto far = busy();
    far->stream->end(error);
    loops.run_until_idle();
    expect_all_let_go(*far);
  }
}

TEST_F(TcpLife, TheQueueCloses) {
  for (const auto reason : {fabric::CloseReason::host_disconnect, fabric::CloseReason::controller_end,
                            fabric::CloseReason::removed, fabric::CloseReason::shutdown}) {
    auto far = busy();
    queue().connection.close(reason);
    queue().connection.close(reason);  // no effect
    EXPECT_FALSE(queue().gone);        // in a later turn
    loops.run_until_idle();
    expect_all_let_go(*far);
  }
}

TEST_F(TcpLife, TheTransportShutsDown) {
  auto far = busy();
  transport->shut_down();
  transport->shut_down();
  loops.run_until_idle();
  expect_all_let_go(*far);
}

// What was answered before close() still leaves.
TEST_F(TcpLife, AnswersLeaveBeforeTheEnd) {
  auto far = open_queue();
  send(*far, capsule(1, {}, {}, 512));
  send(*far, capsule(2, {}));
  command(0).answer_data(pattern(512));
  command(1).answer();
  queue().connection.close(fabric::CloseReason::host_disconnect);
  loops.run_until_idle();
  EXPECT_TRUE(far->closed);
  const auto answers = take(*far, {});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].data, pattern(512));
  EXPECT_EQ(answers[1].type, PduType::capsule_resp);
}

TEST_F(TcpLife, AQueueMayBeEstablishedTooLate) {
  start();
  auto far = open();
  send(*far, raw_pdu(pdu::make_ic_req({})));
  queue().connection.close(fabric::CloseReason::removed);
  queue().connection.established({});
  loops.run_until_idle();
  EXPECT_TRUE(far->closed);
  EXPECT_TRUE(queue().gone);
  EXPECT_EQ(transport->connections(), 0u);
}

// A queue that was told of the end may still answer what it holds.
TEST_F(TcpLife, AnswersAfterTheEndGoNowhere) {
  auto far = open_queue();
  for (std::uint16_t cid = 0; cid < 3; ++cid) send(*far, capsule(cid, {}, {}, 512));
  queue().on_gone = [this] {
    command(0).answer();
    command(1).answer_data(pattern(512));
  };
  far->stream->end(0);
  loops.run_until_idle();
  EXPECT_TRUE(command(1).released);
  EXPECT_TRUE(far->to_far.empty());
  EXPECT_EQ(transport->connections(), 0u);
}

// Between close() and the end the queue pulls and answers as before; nothing of it reaches the host.
TEST_F(TcpLife, PullsAndAnswersWhileItCloses) {
  auto far = open_queue();
  for (std::uint16_t cid = 0; cid < 3; ++cid) send(*far, capsule(cid, {}, {}, 512));
  queue().connection.close(fabric::CloseReason::controller_end);
  command(0).start_pull(512);
  command(1).answer_data(pattern(512));
  command(2).answer();
  EXPECT_FALSE(command(0).done);
  loops.run_until_idle();
  EXPECT_EQ(command(0).outcome, fabric::Pull::Outcome::lost);
  EXPECT_TRUE(command(1).released);
  EXPECT_TRUE(far->to_far.empty());
}

TEST_F(TcpLife, ThePullThatCompletesMayCloseTheConnection) {
  for (const bool in_capsule : {false, true}) {
    auto far = open_queue({.ddgst = true});
    queue().on_receive = [this](Scripted& command) {
      command.then = [this, &command] {
        if (command.outcome != fabric::Pull::Outcome::ok) return;
        command.answer();
        queue().connection.close(fabric::CloseReason::controller_end);
      };
      command.start_pull(512);
    };
    send(*far, in_capsule ? capsule(1, {.ddgst = true}, pattern(512)) : capsule(1, {.ddgst = true}, {}, 512));
    if (!in_capsule) {
      const auto tag = take(*far, {.ddgst = true}).at(0).as<pdu::R2t>().ttag;
      Bytes bytes = h2c_data(1, tag, 0, pattern(512), true, {.ddgst = true});
      append(bytes, capsule(2, {.ddgst = true}));
      send(*far, bytes);
    }
    EXPECT_TRUE(far->closed);
    EXPECT_EQ(queue().commands.size(), 1u);
    EXPECT_EQ(take(*far, {.ddgst = true}).size(), 1u);
  }
}

TEST_F(TcpLife, TheReceivingQueueMayCloseTheConnection) {
  auto far = open_queue();
  queue().on_receive = [this](Scripted& command) {
    command.answer();
    queue().connection.close(fabric::CloseReason::removed);
  };
  Bytes bytes = capsule(1, {}, pattern(600));
  append(bytes, capsule(2, {}));
  send(*far, bytes);
  EXPECT_TRUE(far->closed);
  EXPECT_EQ(queue().commands.size(), 1u);
}

TEST_F(TcpLife, TheListenerGoesAndEstablishedConnectionsStay) {
  start();
  auto silent = open();
  auto established = open_queue();
  auto late = networks.connect();  // on its way when the listener goes
  listener.reset();
  loops.run_until_idle();
  EXPECT_TRUE(silent->closed);
  EXPECT_FALSE(established->closed);
  EXPECT_EQ(late->stream, nullptr);
  send(*established, capsule(1, {}));
  command(0).answer();
  loops.run_until_idle();
  EXPECT_EQ(take(*established, {}).size(), 1u);
  EXPECT_EQ(transport->connections(), 1u);
}

TEST_F(TcpLife, TheListenerGoesBeforeAConnectionHasBegun) {
  start();
  auto far = networks.connect();
  loops.run_turn();  // accepted, and on its way to its loop
  listener.reset();
  loops.run_until_idle();
  EXPECT_TRUE(far->accepted_dropped);
  EXPECT_EQ(transport->connections(), 0u);
}

TEST_F(TcpLife, TheAddressIsInUseUntilTheListenerGoes) {
  start();
  const auto second = transport->listen({.traddr = "127.0.0.1", .trsvcid = "4420"}, acceptor);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  listener.reset();
  EXPECT_TRUE(transport->listen({.traddr = "127.0.0.1", .trsvcid = "4420"}, acceptor));
}

TEST_F(TcpLife, AddressesHaveOneSpelling) {
  start();
  const auto good = transport->canonical({.traddr = "::1", .trsvcid = "4420"});
  ASSERT_TRUE(good);
  EXPECT_EQ(good->traddr, "::1");
  EXPECT_EQ(transport->adrfam(*good), wire::AddressFamily::ipv6);
  for (const char* bad : {"", "65536", "-1", "44x", "4420 "}) {
    const auto refused = transport->canonical({.traddr = "127.0.0.1", .trsvcid = bad});
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, EINVAL);
    EXPECT_NE(refused.error().message.find("port number"), std::string::npos);
  }
  EXPECT_FALSE(transport->canonical({.traddr = "localhost", .trsvcid = "4420"}));
}

// Connections spread evenly, and each belongs to its loop alone.
class TcpLoops : public TcpTest {
 protected:
  static constexpr unsigned kLoops = 4;
  TcpLoops() : TcpTest(kLoops) {}
};

TEST_F(TcpLoops, ConnectionsSpreadOverTheLoops) {
  start();
  std::vector<std::shared_ptr<Far>> all;
  all.reserve(40);
  for (unsigned i = 0; i < 40; ++i) all.push_back(open_queue());
  unsigned sum = 0;
  for (unsigned i = 0; i < kLoops; ++i) {
    EXPECT_GE(loops.load(i), 10u);
    EXPECT_LE(loops.load(i), 11u);
    sum += loops.load(i);
  }
  EXPECT_EQ(sum, 41u);  // and the listener
  unsigned of_loop[kLoops] = {};
  for (const auto& each : acceptor.queues) ++of_loop[each->connection.loop().index()];
  for (const unsigned count : of_loop) EXPECT_NEAR(count, 10, 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    send(*all[i], capsule(static_cast<std::uint16_t>(i), {}, pattern(512)));
    Scripted& command = *acceptor.queues[i]->commands.at(0);
    command.start_pull(512);
    loops.run_until_idle();
    command.answer();
    loops.run_until_idle();
    EXPECT_EQ(take(*all[i], {}).size(), 1u);
  }
  for (auto& far : all) far->stream->end(0);
  loops.run_until_idle();
  stop();
  for (unsigned i = 0; i < kLoops; ++i) EXPECT_EQ(loops.load(i), 0u);
}

}  // namespace
}  // namespace weft::tcp
