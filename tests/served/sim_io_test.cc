// Data that is damaged on its way, and subsystems, hosts and namespaces that are taken away while commands
// are in flight.
#include "served/sim_host.h"
#include "wire/io_command.h"

namespace weft::served {
namespace {

using namespace wire::status;
using wire::tcp::PduType;

constexpr Agreement kDigests{.hdgst = true, .ddgst = true};

class SimIo : public ::testing::Test {
 protected:
  static wire::Sqe write_of(std::uint64_t lba, std::uint32_t blocks) {
    return wire::make_write({.nsid = kNsid, .range = {lba, blocks}});
  }
  void hold_writes() { server_.disk->hold({.ops = block::op_bit(block::Op::write)}); }

  SimServer server_;
};

TEST_F(SimIo, DamagedDataInACapsuleIsNotWritten) {
  SimHost host(server_, 1, kDigests);
  const Bytes good = tcp::pattern(4096, 1);
  EXPECT_TRUE(host.write(8, good).ok());
  wire::tcp::CapsuleCmd value{};
  value.ch.type = static_cast<std::uint8_t>(PduType::capsule_cmd);
  value.sqe = write_of(8, 8);
  value.sqe.cid = 0x4321;
  wire::set_in_capsule(value.sqe, 4096);
  Bytes bytes = tcp::framed(value, kDigests, tcp::pattern(4096, 2));
  bytes[1000] ^= std::byte{4};
  host.io[0]->send(bytes);
  host.io[0]->run();
  EXPECT_TRUE(host.io[0]->take(0x4321).status().is(kTransientTransportError));
  EXPECT_TRUE(host.read(8, 8) == good);
}

TEST_F(SimIo, DamagedDataInAnyPduOfATransferIsNotWritten) {
  SimHost host(server_, 1, kDigests);
  SimQueue& queue = *host.io[0];
  const Bytes good = tcp::pattern(8192, 1);
  EXPECT_TRUE(host.write(8, good).ok());
  for (unsigned damaged = 0; damaged < 4; ++damaged) {
    queue.hold_r2ts = true;
    const Bytes data = tcp::pattern(8192, 2);
    const auto cid = queue.submit(write_of(8, 16), SimQueue::Data::by_r2t, data);
    queue.run();
    ASSERT_EQ(queue.held_r2ts.size(), 1u);
    const auto r2t = queue.held_r2ts.back();
    queue.held_r2ts.clear();
    for (unsigned part = 0; part < 4; ++part) {
      Bytes bytes = tcp::h2c_data(r2t.cccid, r2t.ttag, part * 2048,
                                  std::span(data).subspan(part * 2048, 2048), part == 3, kDigests);
      if (part == damaged) bytes.back() ^= std::byte{1};
      queue.send(bytes);
    }
    queue.run();
    EXPECT_TRUE(queue.take(cid).status().is(kTransientTransportError));
    queue.hold_r2ts = false;
    EXPECT_TRUE(host.read(8, 16) == good);
  }
}

// Wrong in two ways: the first is what the host hears, and the connection lives.
TEST_F(SimIo, DamagedDataOfACommandThatFails) {
  SimHost host(server_, 1, kDigests);
  wire::tcp::CapsuleCmd value{};
  value.ch.type = static_cast<std::uint8_t>(PduType::capsule_cmd);
  value.sqe = write_of(SimServer::kBlocks, 8);
  value.sqe.cid = 0x4321;
  wire::set_in_capsule(value.sqe, 4096);
  Bytes bytes = tcp::framed(value, kDigests, tcp::pattern(4096, 2));
  bytes.back() ^= std::byte{4};
  host.io[0]->send(bytes);
  host.io[0]->run();
  EXPECT_TRUE(host.io[0]->take(0x4321).status().is(kLbaOutOfRange));
  host.verify(3);
}

TEST_F(SimIo, ASubsystemIsRemovedWhileCommandsAreInFlight) {
  SimHost host(server_, 2);
  hold_writes();
  host.io[0]->submit(write_of(0, 8), SimQueue::Data::by_r2t, Bytes(4096));
  host.io[1]->submit(write_of(8, 8), SimQueue::Data::in_capsule, Bytes(4096));
  host.io[1]->hold_r2ts = true;
  host.io[0]->run();
  host.io[1]->run();
  host.io[1]->submit(write_of(16, 2048), SimQueue::Data::by_r2t, Bytes(1u << 20));  // its data never comes
  host.io[1]->run();
  EXPECT_EQ(server_.disk->held(), 2u);
  bool done = false;
  EXPECT_TRUE(server_.target.remove_subsystem(kNqn, [&done] { done = true; }));
  server_.loops.run_until_idle();
  EXPECT_TRUE(host.admin->is_closed());
  EXPECT_TRUE(host.io[0]->is_closed());
  EXPECT_TRUE(host.io[1]->is_closed());
  EXPECT_FALSE(done) << "two writes can still touch the backend";
  server_.disk->release();
  server_.loops.run_until_idle();
  EXPECT_TRUE(done);
}

TEST_F(SimIo, ANamespaceIsRemovedWhileCommandsAreInFlight) {
  SimHost host(server_, 1);
  hold_writes();
  const auto held = host.io[0]->submit(write_of(0, 8), SimQueue::Data::by_r2t, Bytes(4096));
  host.io[0]->run();
  bool done = false;
  EXPECT_TRUE(server_.subsystem->remove_namespace(kNsid, [&done] { done = true; }));
  server_.loops.run_until_idle();
  EXPECT_FALSE(done);
  EXPECT_TRUE(host.write(64, Bytes(4096)).is(kInvalidNamespace));
  server_.disk->release();
  host.io[0]->run();
  EXPECT_TRUE(host.io[0]->take(held).ok());
  server_.loops.run_until_idle();
  EXPECT_TRUE(done);
}

TEST_F(SimIo, AHostThatIsSilentLosesItsController) {
  SimQueue admin(server_);
  auto connect =
      wire::make_connect({.qid = Qid(0), .queue_size = 32, .disable_sqflow = true, .kato_ms = 1000});
  EXPECT_TRUE(admin.execute(connect, SimQueue::Data::in_capsule, tcp::raw_pdu(connect_data())).ok());
  server_.loops.advance(std::chrono::seconds(60));
  EXPECT_TRUE(admin.is_closed());
  EXPECT_TRUE(server_.subsystem->controllers().empty());
}

TEST_F(SimIo, MoreCommandsInFlightThanTheQueueHolds) {
  SimHost host(server_, 0);
  SimQueue queue(server_);
  EXPECT_TRUE(
      queue.execute(connect_sqe(1, 4), SimQueue::Data::in_capsule, tcp::raw_pdu(connect_data(host.cntlid)))
          .ok());
  hold_writes();
  std::vector<std::uint16_t> cids;
  cids.reserve(300);
  for (unsigned i = 0; i < 300; ++i)
    cids.push_back(queue.submit(
        write_of(i, 1), i % 2 == 0 ? SimQueue::Data::in_capsule : SimQueue::Data::by_r2t, Bytes(512)));
  queue.run();
  EXPECT_FALSE(queue.is_closed());
  EXPECT_GE(server_.disk->held(), 3u);
  EXPECT_LE(server_.disk->held(), 4u);
  server_.disk->release();
  queue.run();
  unsigned good = 0;
  for (const std::uint16_t cid : cids) {
    const auto status = queue.take(cid).status();
    EXPECT_TRUE(status.ok() || status.is(kCommandSequenceError)) << wire::name(status);
    good += status.ok() ? 1 : 0;
  }
  EXPECT_GE(good, 3u);
  EXPECT_TRUE(queue.terminations().empty());
}

}  // namespace
}  // namespace weft::served
