#include "fabric/fake_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/test_loop.h"
#include "fabric/fake_test_support.h"
#include "wire/opcodes.h"

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A target's end that does what the test says.
class ScriptedQueue final : public Queue {
 public:
  // A command in the script's hands.
  struct Held {
    explicit Held(Reply given) : reply(std::move(given)) {}
    Reply reply;
    std::vector<std::byte> memory;
    iovec pieces[2]{};
    struct ItsPull : Pull {
      Held* held = nullptr;
    } pull;
    struct ItsData : DataOut {
      Held* held = nullptr;
    } data;
    std::optional<Pull::Outcome> pulled;
    bool released = false;
  };

  explicit ScriptedQueue(Connection& connection) : connection_(connection) {}

  void receive(Reply reply) override { held.emplace_back(std::move(reply)); }
  void disconnected() override {
    ++disconnects;
    if (retire_at_once) leave();
  }

  Held& newest() { return held.back(); }

  // In two pieces, so that gathering shows.
  void pull(Held& command, std::size_t bytes) {
    command.memory.assign(bytes, std::byte{0});
    split(command);
    command.pull.held = &command;
    command.pull.into = command.pieces;
    command.pull.done = [](Pull& pull, Pull::Outcome outcome) noexcept {
      static_cast<Held::ItsPull&>(pull).held->pulled = outcome;
    };
    command.reply.pull(command.pull);
  }

  void answer(Held& command, wire::Status status = wire::status::kSuccess) {
    command.reply.complete(cqe_for(command.reply, status));
  }

  void answer_with(Held& command, std::vector<std::byte> bytes,
                   wire::Status status = wire::status::kSuccess) {
    command.memory = std::move(bytes);
    split(command);
    command.data.held = &command;
    command.data.from = command.pieces;
    command.data.released = [](DataOut& data) noexcept {
      Held& owner = *static_cast<Held::ItsData&>(data).held;
      owner.released = true;
      owner.memory.clear();
      owner.memory.shrink_to_fit();
    };
    command.reply.complete(cqe_for(command.reply, status), command.data);
  }

  // Abandons what is left.
  void leave() {
    for (Held& command : held)
      if (command.reply.pending()) command.reply.abandon();
    connection_.retire();
  }

  std::deque<Held> held;
  unsigned disconnects = 0;
  bool retire_at_once = true;

 private:
  static void split(Held& command) {
    const std::size_t half = command.memory.size() / 2;
    command.pieces[0] = {command.memory.data(), half};
    command.pieces[1] = {command.memory.data() + half, command.memory.size() - half};
  }

  Connection& connection_;
};

class ScriptedAcceptor final : public Acceptor {
 public:
  Queue& accept(Connection& connection) override { return queues.emplace_back(connection); }
  std::deque<ScriptedQueue> queues;
};

class FakeConnectionTest : public ::testing::Test {
 protected:
  FakeConnectionTest() { connection_.attach(acceptor_); }
  ~FakeConnectionTest() override {
    connection_.cut();
    loop_.run_until_idle();
    if (!connection_.is_retired()) queue().leave();
    loop_.run_until_idle();
  }
  ScriptedQueue& queue() { return acceptor_.queues.front(); }
  static wire::Sqe sqe(wire::IoOpcode opcode = wire::IoOpcode::flush) {
    return {.opcode = static_cast<std::uint8_t>(opcode)};
  }

  TestLoop loop_;
  ScriptedAcceptor acceptor_;
  FakeConnection connection_{loop_};
};

TEST_F(FakeConnectionTest, AnswersLeaveAtTheEndOfTheTurnInTheirOrder) {
  Exchange& first = connection_.submit(sqe());
  Exchange& second = connection_.submit(sqe());
  EXPECT_NE(first.sqe.cid, second.sqe.cid);
  EXPECT_EQ(connection_.in_flight(), 2u);
  queue().answer(queue().held[1], wire::status::kInvalidField.with_dnr());
  queue().answer(queue().held[0]);
  EXPECT_FALSE(second.finished());
  loop_.run_until_idle();
  ASSERT_TRUE(first.completed() && second.completed());
  EXPECT_EQ(second.order(), 1u);
  EXPECT_EQ(first.order(), 2u);
  EXPECT_EQ(second.status(), wire::status::kInvalidField.with_dnr());
  EXPECT_EQ(connection_.in_flight(), 0u);
  EXPECT_EQ(connection_.completions(), 2u);
  connection_.release(first);
  connection_.release(second);
}

TEST_F(FakeConnectionTest, DataPointersSayWhereTheDataIs) {
  std::vector<std::byte> data = pattern(512);
  struct Case {
    HostData data;
    std::uint8_t type;
    std::uint32_t length;
    std::uint32_t in_capsule;
  };
  const Case cases[] = {
      {{}, wire::kSglTransport, 0, 0},
      {{.out = data}, wire::kSglTransport, 512, 0},
      {{.in = data}, wire::kSglTransport, 512, 0},
      {{.out = data, .pointer = HostData::Pointer::capsule}, wire::kSglInCapsule, 512, 512},
      {{.out = data, .pointer = HostData::Pointer::as_given}, wire::kSglKeyed, 77, 0},
  };
  for (const Case& c : cases) {
    wire::Sqe given = sqe(wire::IoOpcode::write);
    given.dptr = {.length = 77, .type = wire::kSglKeyed};
    connection_.submit(given, c.data);
    const Reply& seen = queue().newest().reply;
    EXPECT_EQ(seen.sqe().dptr.type, c.type);
    EXPECT_EQ(seen.sqe().dptr.length, c.length);
    EXPECT_EQ(seen.in_capsule_bytes(), c.in_capsule);
    queue().answer(queue().newest());
  }
}

TEST_F(FakeConnectionTest, AKeptCidIsTheTests) {
  wire::Sqe given = sqe();
  given.cid = 0xBEEF;
  connection_.submit(given, {.keep_cid = true});
  connection_.submit(given, {.keep_cid = true});
  for (auto& command : queue().held) {
    EXPECT_EQ(command.reply.cid(), Cid(0xBEEF));
    queue().answer(command);
  }
}

TEST_F(FakeConnectionTest, PullBringsTheDataInALaterTurn) {
  const std::vector<std::byte> data = pattern(1000);
  for (const auto pointer : {HostData::Pointer::transport, HostData::Pointer::capsule}) {
    Exchange& write = connection_.submit(sqe(wire::IoOpcode::write), {.out = data, .pointer = pointer});
    auto& command = queue().newest();
    queue().pull(command, 1000);
    EXPECT_FALSE(command.pulled.has_value());
    EXPECT_EQ(connection_.pulls_waiting(), 1u);
    loop_.run_until_idle();
    EXPECT_EQ(command.pulled, Pull::Outcome::ok);
    EXPECT_EQ(command.memory, data);
    queue().answer(command);
    loop_.run_until_idle();
    EXPECT_TRUE(write.was_pulled());
    connection_.release(write);
  }
}

TEST_F(FakeConnectionTest, APullMayLeaveTheRest) {
  const std::vector<std::byte> data = pattern(4096);
  connection_.submit(sqe(wire::IoOpcode::dataset_management), {.out = data});
  queue().pull(queue().newest(), 16);
  loop_.run_until_idle();
  EXPECT_EQ(queue().newest().memory, pattern(16));
  queue().answer(queue().newest());
}

TEST_F(FakeConnectionTest, InCapsuleDataStartsAtItsOffset) {
  const std::vector<std::byte> data = pattern(64);
  wire::Sqe given = sqe(wire::IoOpcode::write);
  wire::set_in_capsule(given, 16);
  given.dptr.address = 48;
  connection_.submit(given, {.out = data, .pointer = HostData::Pointer::as_given});
  EXPECT_EQ(queue().newest().reply.in_capsule_bytes(), 64u);
  queue().pull(queue().newest(), 16);
  loop_.run_until_idle();
  EXPECT_EQ(queue().newest().memory, pattern(16, 49));
  queue().answer(queue().newest());
}

TEST_F(FakeConnectionTest, ASlowHostHoldsItsDataBack) {
  const std::vector<std::byte> data = pattern(8);
  connection_.hold_pulls();
  for (int i = 0; i < 3; ++i) {
    connection_.submit(sqe(wire::IoOpcode::write), {.out = data});
    queue().pull(queue().newest(), 8);
  }
  const auto arrived = [this] {
    std::vector<bool> list;
    for (const auto& command : queue().held) list.push_back(command.pulled.has_value());
    return list;
  };
  loop_.run_until_idle();
  EXPECT_THAT(arrived(), ElementsAre(false, false, false));
  connection_.let_pull();
  loop_.run_until_idle();
  EXPECT_THAT(arrived(), ElementsAre(true, false, false));
  connection_.resume_pulls();
  loop_.run_until_idle();
  EXPECT_THAT(arrived(), ElementsAre(true, true, true));
  for (auto& command : queue().held) queue().answer(command);
}

TEST_F(FakeConnectionTest, DamagedDataIsADigestErrorAndNotTheData) {
  const std::vector<std::byte> data = pattern(8);
  connection_.submit(sqe(wire::IoOpcode::write), {.out = data, .outcome = Pull::Outcome::digest_error});
  connection_.submit(sqe(wire::IoOpcode::write), {.out = data});
  for (auto& command : queue().held) queue().pull(command, 8);
  loop_.run_until_idle();
  EXPECT_EQ(queue().held[0].pulled, Pull::Outcome::digest_error);
  EXPECT_NE(queue().held[0].memory, data);
  EXPECT_EQ(queue().held[1].pulled, Pull::Outcome::ok);
  connection_.set_pull_outcome(Pull::Outcome::digest_error);
  connection_.submit(sqe(wire::IoOpcode::write), {.out = data});
  queue().pull(queue().newest(), 8);
  loop_.run_until_idle();
  EXPECT_EQ(queue().newest().pulled, Pull::Outcome::digest_error);
  for (auto& command : queue().held) queue().answer(command);
}

TEST_F(FakeConnectionTest, DataOutArrivesWithTheCompletionAndIsReleased) {
  std::vector<std::byte> memory(600);
  Exchange& read = connection_.submit(sqe(wire::IoOpcode::read), {.in = memory});
  queue().answer_with(queue().newest(), pattern(512));
  EXPECT_FALSE(queue().newest().released);
  loop_.run_until_idle();
  EXPECT_TRUE(queue().newest().released);
  EXPECT_EQ(read.data_in_bytes(), 512u);
  memory.resize(512);
  EXPECT_EQ(memory, pattern(512));
}

TEST_F(FakeConnectionTest, NoDataWithAnError) {
  std::vector<std::byte> memory(512);
  Exchange& read = connection_.submit(sqe(wire::IoOpcode::read), {.in = memory});
  queue().answer_with(queue().newest(), pattern(512), wire::status::kInternalError);
  loop_.run_until_idle();
  EXPECT_TRUE(read.completed());
  EXPECT_TRUE(queue().newest().released);
  EXPECT_EQ(read.data_in_bytes(), 0u);
  EXPECT_EQ(memory, std::vector<std::byte>(512));
}

TEST_F(FakeConnectionTest, ACutEndsPullsAndDataBeforeTheQueueIsTold) {
  const std::vector<std::byte> out = pattern(8);
  std::vector<std::byte> in(8);
  connection_.hold_pulls();
  queue().retire_at_once = false;
  Exchange& write = connection_.submit(sqe(wire::IoOpcode::write), {.out = out});
  queue().pull(queue().newest(), 8);
  Exchange& read = connection_.submit(sqe(wire::IoOpcode::read), {.in = in});
  queue().answer_with(queue().newest(), pattern(8));
  Exchange& hung = connection_.submit(sqe());
  connection_.cut();
  EXPECT_EQ(queue().disconnects, 0u);
  loop_.run_until_idle();
  EXPECT_EQ(queue().held[0].pulled, Pull::Outcome::lost);
  EXPECT_TRUE(queue().held[1].released);
  EXPECT_EQ(queue().disconnects, 1u);
  EXPECT_EQ(read.state(), Exchange::State::lost);
  EXPECT_EQ(in, std::vector<std::byte>(8));

  queue().answer(queue().held[0]);  // answered after the end: nobody hears it
  EXPECT_EQ(write.state(), Exchange::State::lost);
  EXPECT_FALSE(connection_.is_retired());
  queue().leave();
  EXPECT_EQ(hung.state(), Exchange::State::abandoned);
  EXPECT_TRUE(connection_.is_retired());
  EXPECT_EQ(connection_.close_reason(), std::nullopt);
  EXPECT_EQ(connection_.completions(), 0u);
  EXPECT_EQ(connection_.submit(sqe()).state(), Exchange::State::lost);
  EXPECT_THAT(queue().held, SizeIs(3));
}

TEST_F(FakeConnectionTest, WhatWasCompletedLeavesWhateverTheReason) {
  for (const CloseReason reason : {CloseReason::host_disconnect, CloseReason::controller_end,
                                   CloseReason::removed, CloseReason::shutdown}) {
    FakeConnection connection(loop_);
    connection.attach(acceptor_);
    ScriptedQueue& own = acceptor_.queues.back();
    Exchange& before = connection.submit(sqe());
    Exchange& after = connection.submit(sqe());
    own.answer(own.held[0]);
    connection.close(reason);
    connection.close(CloseReason::shutdown);  // no effect
    own.answer(own.held[1]);
    EXPECT_EQ(own.disconnects, 0u);
    loop_.run_until_idle();
    EXPECT_EQ(before.state(), Exchange::State::completed) << name(reason);
    EXPECT_EQ(after.state(), Exchange::State::lost);
    EXPECT_EQ(connection.close_reason(), reason);
    EXPECT_EQ(own.disconnects, 1u);
    EXPECT_TRUE(connection.is_retired());
  }
}

TEST_F(FakeConnectionTest, LimitsAreRecorded) {
  EXPECT_FALSE(connection_.limits().has_value());
  connection_.established({.qid = Qid(3), .entries = 128});
  ASSERT_TRUE(connection_.limits().has_value());
  EXPECT_EQ(connection_.limits()->qid, Qid(3));
}

TEST_F(FakeConnectionTest, ADesertedCommandTouchesNoMemoryAndGoesByItself) {
  auto memory = std::make_unique<std::vector<std::byte>>(512);
  Exchange& read = connection_.submit(sqe(wire::IoOpcode::read), {.in = *memory});
  connection_.desert(read);
  memory.reset();
  queue().answer_with(queue().newest(), pattern(512));
  loop_.run_until_idle();
  EXPECT_EQ(&connection_.submit(sqe()), &read);  // taken again
  queue().answer(queue().newest());
}

TEST_F(FakeConnectionTest, ABrokenContractIsAFailedCheck) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::vector<std::byte> data = pattern(8);
  connection_.submit(sqe(wire::IoOpcode::write), {.out = data});
  auto& command = queue().newest();
  Command& raw = static_cast<Command&>(connection_.submit(sqe()));
  EXPECT_DEATH(queue().pull(command, 9), "no more is pulled");
  EXPECT_DEATH(queue().pull(queue().newest(), 1), "only a command with data is pulled");
  EXPECT_DEATH(command.reply.abandon(), "only after the end");
  EXPECT_DEATH(connection_.retire(), "told of the end");
  EXPECT_DEATH(queue().newest().reply.complete({.cid = 0x7777}), "its command's id");
  queue().answer(queue().newest());
  EXPECT_DEATH(connection_.complete(raw, {.cid = raw.sqe.cid}), "answered once");
  queue().pull(command, 8);
  EXPECT_DEATH(queue().pull(command, 8), "pulled once");
  EXPECT_DEATH(queue().answer(command), "on the way");
  loop_.run_until_idle();
  queue().answer(command);
}

}  // namespace
}  // namespace weft::fabric
