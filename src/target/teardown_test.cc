// What happens to commands in flight when their connection, controller, namespace or target goes.
#include <thread>

#include "target/testing.h"

namespace weft::target {

namespace {

using namespace wire::status;
using fabric::FakeHost;

using TeardownTest = TargetTest;

wire::Sqe write_sqe(std::uint64_t slba, std::uint32_t blocks) {
  return wire::make_write({.nsid = Nsid(1), .range = {slba, blocks}});
}

TEST_F(TeardownTest, ALateWriteDoesNotOverwriteItsRetry) {
  const auto a = pattern(8 * 512, 1);
  const auto b = pattern(8 * 512, 2);
  std::vector<std::byte> in(8 * 512);
  FakeHost& before = connected_host();
  delay_->hold({.ops = block::op_bit(block::Op::write)});
  before.io(Qid(1)).submit(write_sqe(16, 8), {.out = a});
  loops_.run_until_idle();
  ASSERT_EQ(delay_->held(), 1u);
  delay_->stop_holding();
  ASSERT_TRUE(before.drop());

  FakeHost& after = connected_host(2);
  auto& retry = after.io(Qid(1)).submit(write_sqe(12, 8), {.out = b});
  loops_.run_until_idle();
  EXPECT_FALSE(retry.finished()) << "it overlaps what is late";
  ASSERT_TRUE(after.write(kNsid, {100, 8}, b, {.queue = 2}).ok()) << "elsewhere nothing waits";
  auto& compare = after.io(Qid(2)).submit(wire::make_compare({.nsid = kNsid, .range = {16, 8}}), {.out = a});
  loops_.run_until_idle();
  EXPECT_FALSE(compare.finished());
  delay_->release();
  EXPECT_TRUE(after.wait(after.io(Qid(1)), retry).ok());
  after.wait(after.io(Qid(2)), compare);
  ASSERT_TRUE(after.read(kNsid, {12, 8}, in).ok());
  EXPECT_EQ(in, b);
}

// A command that waited for a late one may go on, and its connection ends before it does, at any step
// between.
TEST_F(TeardownTest, CuttingWhatWaitedForALateWriteAsItGoesOn) {
  const auto data = pattern(8 * 512, 1);
  for (unsigned turns = 0; turns < 8; ++turns) {
    FakeHost& before = connected_host();
    delay_->hold({.ops = block::op_bit(block::Op::write)});
    before.io(Qid(1)).submit(write_sqe(16, 8), {.out = data});
    loops_.run_until_idle();
    delay_->stop_holding();
    ASSERT_TRUE(before.drop());
    FakeHost& after = connected_host();
    after.io(Qid(1)).submit(write_sqe(16, 8), {.out = data});
    loops_.run_until_idle();
    delay_->release();
    for (unsigned i = 0; i < turns; ++i) loops_.run_turn();
    after.io(Qid(1)).cut();
    loops_.run_until_idle();
    EXPECT_TRUE(after.io(Qid(1)).is_retired());
    ASSERT_TRUE(after.drop());
    EXPECT_TRUE(fault_->fence().idle());
  }
}

TEST_F(TeardownTest, CuttingWithCommandsInEveryState) {
  FakeHost& host = connected_host(2);
  auto& io = host.io(Qid(2));
  const auto data = pattern(4096, 3);
  std::vector<std::byte> in(4096);
  delay_->hold({});
  io.submit(write_sqe(0, 8), {.out = data});  // in the backend
  loops_.run_until_idle();
  io.hold_pulls();
  io.submit(write_sqe(8, 8), {.out = data});  // the host's data is on its way
  host.send_async_event_request();            // parked
  loops_.run_until_idle();
  io.submit(wire::make_read({.nsid = kNsid, .range = {0, 8}}), {.in = in});
  ASSERT_TRUE(host.drop());
  EXPECT_FALSE(fault_->fence().idle());
  delay_->release();
  loops_.run_until_idle();
  EXPECT_TRUE(fault_->fence().idle());
}

TEST_F(TeardownTest, ARemovedNamespaceCountsAsGoneWhenItsCommandsHaveEnded) {
  FakeHost& host = connected_host();
  delay_->hold({.ops = block::op_bit(block::Op::write)});
  const auto data = pattern(512, 3);
  auto& write = host.io(Qid(1)).submit(write_sqe(0, 1), {.out = data});
  loops_.run_until_idle();
  bool done = false;
  ASSERT_TRUE(subsystem_->remove_namespace(kNsid, [&done] { done = true; }));
  loops_.run_until_idle();
  EXPECT_FALSE(done);
  std::vector<std::byte> in(512);
  EXPECT_TRUE(host.read(kNsid, {0, 1}, in).is(kInvalidNamespace));
  delay_->release();
  EXPECT_TRUE(host.wait(host.io(Qid(1)), write).ok());
  loops_.run_until_idle();
  EXPECT_TRUE(done);
}

TEST_F(TeardownTest, HostsHearOfNamespaces) {
  FakeHost& host = connected_host();
  ASSERT_TRUE(
      host.set_features({.fid = 0x0B, .cdw11 = wire::AsyncEventConfiguration::kNamespaceAttribute}).ok());
  auto& event = host.send_async_event_request();
  loops_.run_until_idle();
  EXPECT_FALSE(event.finished());
  disk_->resize(kBlocks * 2);
  ASSERT_TRUE(host.wait(host.admin(), event).ok());
  std::vector<std::byte> log(4096);
  ASSERT_TRUE(host.get_log({.lid = 0x04}, log).ok());
  EXPECT_EQ(static_cast<int>(log[0]), 1);
  wire::IdentifyNamespace identify;
  ASSERT_TRUE(host.identify_namespace(kNsid, identify).ok());
  EXPECT_EQ(identify.nsze, kBlocks * 2);
  std::vector<std::byte> in(512);
  EXPECT_TRUE(host.read(kNsid, {kBlocks * 2 - 1, 1}, in).ok());
}

TEST_F(TeardownTest, RemovingTheSubsystemEndsItsControllers) {
  FakeHost& host = connected_host(2);
  bool done = false;
  ASSERT_TRUE(target_.remove_subsystem(kNqn, [&done] { done = true; }));
  loops_.run_until_idle();
  EXPECT_TRUE(done);
  EXPECT_TRUE(host.admin().is_retired());
  EXPECT_TRUE(host.io(Qid(1)).is_retired());
  EXPECT_TRUE(new_host(options()).connect_admin().is(kConnectInvalidParameters));
  EXPECT_EQ(target_.find_subsystem(kNqn), nullptr);
}

TEST_F(TeardownTest, ShutDownLetsCommandsFinish) {
  FakeHost& host = connected_host(2);
  delay_->hold({.ops = block::op_bit(block::Op::write)});
  const auto data = pattern(512, 3);
  auto& write = host.io(Qid(1)).submit(write_sqe(0, 1), {.out = data});
  loops_.run_until_idle();
  bool drained = false;
  std::atomic<bool> returned = false;
  std::thread stopper([&] {
    drained = target_.shut_down(std::chrono::seconds(60));
    returned = true;
  });
  while (!host.io(Qid(2)).is_retired()) loops_.run_turn();
  loops_.run_until_idle();
  EXPECT_FALSE(write.finished());
  EXPECT_FALSE(host.admin().is_ending());  // its end would take the other queues along
  delay_->release();
  while (!returned) loops_.run_turn();
  stopper.join();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(write.completed());
  EXPECT_TRUE(write.status().ok());
  EXPECT_TRUE(host.admin().is_retired());
}

// A queue that is being drained takes commands and leaves them to the host's next connection: nobody can
// answer them.
TEST_F(TeardownTest, WhatComesWhileAQueueIsDrainedIsNotAnswered) {
  FakeHost& host = connected_host();
  delay_->hold({.ops = block::op_bit(block::Op::write)});
  const auto data = pattern(512, 3);
  auto& io = host.io(Qid(1));
  auto& write = io.submit(write_sqe(0, 1), {.out = data});
  loops_.run_until_idle();
  bool drained = false;
  std::atomic<bool> returned = false;
  std::thread stopper([&] {
    drained = target_.shut_down(std::chrono::seconds(60));
    returned = true;
  });
  while (loops_[1].is_idle()) std::this_thread::yield();
  loops_[1].run_turn();  // the admin queue, on the other loop, does not know yet
  std::vector<std::byte> in(512);
  auto& read = io.submit(wire::make_read({.nsid = kNsid, .range = {0, 1}}), {.in = in});
  auto& abort = host.admin().submit(wire::make_abort({.sqid = Qid(1), .cid = Cid(read.sqe.cid)}));
  loops_.run_until_idle();
  EXPECT_FALSE(read.finished());
  ASSERT_TRUE(abort.completed());
  EXPECT_EQ(abort.cqe().dw0(), wire::kAbortResultNotAborted);
  delay_->release();
  while (!returned) loops_.run_turn();
  stopper.join();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(write.completed());
  EXPECT_TRUE(read.finished());
  EXPECT_FALSE(read.completed());
}

// A queue hears a turn later of what ended its controller, the loss of another connection or silence.  An
// answer that it gives meanwhile would be an error that no try of the host's mends.
TEST_F(TeardownTest, WhatMeetsTheEndOfItsControllerIsNotAnswered) {
  for (const bool is_silent : {false, true}) {
    FakeHost& host = new_host(options());
    ASSERT_TRUE(host.connect().ok());
    ASSERT_TRUE(host.connect_io(Qid(1), loops_[1]).ok());
    const auto controller = subsystem_->controllers().at(0);
    if (is_silent)
      controller->set_keep_alive(1000);
    else
      host.admin().cut();
    while (controller->is_enabled()) {
      if (is_silent) loops_[0].advance(std::chrono::seconds(1));
      loops_[0].run_turn();
    }
    std::vector<std::byte> in(512);
    auto& read = host.io(Qid(1)).submit(wire::make_read({.nsid = kNsid, .range = {0, 1}}), {.in = in});
    loops_.run_until_idle();
    EXPECT_TRUE(read.finished());
    EXPECT_FALSE(read.completed()) << "the host sends it again by its next connection";
    EXPECT_TRUE(host.io(Qid(1)).is_retired());
  }
}

TEST_F(TeardownTest, ShutDownWaitsForABackendNoLongerThanItsGrace) {
  FakeHost& host = connected_host();
  delay_->hold({.ops = block::op_bit(block::Op::write)});
  const auto data = pattern(512, 3);
  auto& write = host.io(Qid(1)).submit(write_sqe(0, 1), {.out = data});
  loops_.run_until_idle();
  bool drained = false;
  std::atomic<bool> returned = false;
  std::thread stopper([&] {
    drained = target_.shut_down(std::chrono::milliseconds(1));
    returned = true;
  });
  while (!host.io(Qid(1)).is_retired()) loops_.run_turn();
  EXPECT_FALSE(write.completed());
  delay_->release();
  while (!returned) loops_.run_turn();
  stopper.join();
  EXPECT_TRUE(drained) << "what was late has ended in time";
}

// The backend may tell of a new size while nobody is left to hear of it.
TEST_F(TeardownTest, ABackendThatGrowsWhileItsNamespaceGoes) {
  bool done = false;
  ASSERT_TRUE(subsystem_->remove_namespace(kNsid, [&] {
    disk_->resize(kBlocks * 2);
    done = true;
  }));
  EXPECT_TRUE(done);
  EXPECT_TRUE(subsystem_->snapshot()->namespaces.empty());
}

TEST_F(TeardownTest, ASubsystemThatGoesTakesNoHost) {
  FakeHost& host = new_host(options());
  bool done = false;
  subsystem_->shut_down([&done] { done = true; });
  EXPECT_TRUE(done);
  const auto answer = host.connect_admin();  // the port has it a moment longer
  EXPECT_TRUE(answer.is(kConnectControllerBusy));
  EXPECT_FALSE(answer.status().dnr) << "the host is to come again";
}

// Beyond so many late commands a path is as good as lost.
TEST_F(TeardownTest, TooManyLateCommandsKeepNewOnesOut) {
  FakeHost& host = connected_host();
  std::vector<block::Fence::Late> late(block::Fence::kMaxLate + 1);
  for (auto& each : late) fault_->fence().add(each);
  std::vector<std::byte> in(512);
  EXPECT_TRUE(host.read(kNsid, {0, 1}, in).is(kInternalPathError));
  fault_->fence().remove(late.back());
  EXPECT_TRUE(host.read(kNsid, {0, 1}, in).ok());
  late.pop_back();
  for (auto& each : late) fault_->fence().remove(each);
}

// The last queue of a loop goes and another comes in one turn: the change that was on its way to the first
// finds the second, which knows of it already.
TEST_F(TeardownTest, AChangeMayMeetAQueueThatKnowsOfIt) {
  FakeHost& host = connected_host();  // its I/O queue is the only one on loop 1
  fabric::FakeConnection next(loops_[1]);
  next.attach(*port_);
  wire::ConnectData data{};
  const auto& me = subsystem_->controllers().at(0)->host();
  std::ranges::copy(me.id, data.hostid);
  data.cntlid = host.cntlid().value();
  std::string_view(kNqn).copy(data.subnqn, 255);
  me.nqn.copy(data.hostnqn, 255);
  host.io(Qid(1)).cut();
  auto& connect =
      next.submit(wire::make_connect({.qid = Qid(2), .queue_size = 32}),
                  {.out = std::as_bytes(std::span(&data, 1)), .pointer = fabric::HostData::Pointer::capsule});
  loops_[1].run_turn();
  loops_[0].run_turn();  // both are on their way back to loop 1
  bool done = false;
  ASSERT_TRUE(subsystem_->remove_namespace(kNsid, [&done] { done = true; }));
  loops_.run_until_idle();
  EXPECT_TRUE(done);
  ASSERT_TRUE(connect.completed());
  EXPECT_TRUE(connect.status().ok());
  std::vector<std::byte> in(512);
  auto& read = next.submit(wire::make_read({.nsid = kNsid, .range = {0, 1}}), {.in = in});
  loops_.run_until_idle();
  EXPECT_TRUE(read.status().is(kInvalidNamespace));
  next.cut();
  loops_.run_until_idle();
}

TEST_F(TeardownTest, AConnectWhoseHostHasGoneLeavesNothing) {
  FakeHost& host = new_host(options());
  auto& connection = *new fabric::FakeConnection(loops_[1]);
  const std::unique_ptr<fabric::FakeConnection> owner(&connection);
  connection.attach(*port_);
  wire::ConnectData data{};
  data.hostid[0] = 1;
  data.cntlid = 0xFFFF;
  std::string_view(kNqn).copy(data.subnqn, 255);
  std::string_view("nqn.2014-08.test:host").copy(data.hostnqn, 255);
  connection.submit(
      wire::make_connect({.qid = Qid(0), .queue_size = 32}),
      {.out = std::as_bytes(std::span(&data, 1)), .pointer = fabric::HostData::Pointer::capsule});
  loops_[1].run_turn();
  connection.cut();
  loops_.run_until_idle();
  EXPECT_TRUE(connection.is_retired());
  EXPECT_EQ(subsystem_->controllers().size(), 0u);
  EXPECT_TRUE(host.connect().ok());
}

}  // namespace

}  // namespace weft::target
