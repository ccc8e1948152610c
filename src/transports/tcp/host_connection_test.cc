// The host's end of a connection: commands that go well, with and without digests.
#include "transports/tcp/test_host_connection.h"

namespace weft::tcp {
namespace {

using End = fabric::HostCommand::End;

INSTANTIATE_TEST_SUITE_P(Digests, TcpHostConnection,
                         ::testing::Values(Agreement{}, Agreement{.hdgst = true}, Agreement{.ddgst = true},
                                           Agreement{.hdgst = true, .ddgst = true}));

TEST_P(TcpHostConnection, ACommandWithoutDataIsAnswered) {
  open(GetParam());
  Asked flush(wire::make_flush({.nsid = Nsid(1)}));
  submit(flush);
  const auto sent = take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].data.empty());
  const auto sqe = sent[0].as<pdu::CapsuleCmd>().sqe;
  EXPECT_EQ(sqe.psdt(), wire::Psdt::sgl_mptr_contiguous);
  send(response(sqe.cid, wire::status::kWriteFault, 77));
  ASSERT_TRUE(flush.is_done);
  EXPECT_EQ(flush.end, End::completed);
  EXPECT_TRUE(flush.cqe.decoded_status().is(wire::status::kWriteFault));
  EXPECT_EQ(flush.cqe.dw0(), 77u);
}

TEST_P(TcpHostConnection, ASmallWriteGoesInItsCapsule) {
  open(GetParam());
  Asked write(write_of(8), pattern(4096), 1000);
  submit(write);
  const auto sent = take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].data, write.memory);
  const auto sqe = sent[0].as<pdu::CapsuleCmd>().sqe;
  EXPECT_EQ(sqe.dptr.type, wire::kSglInCapsule);
  EXPECT_EQ(sqe.dptr.length, 4096u);
  send(response(sqe.cid));
  EXPECT_TRUE(write.is_done && write.end == End::completed);
}

TEST_P(TcpHostConnection, AWriteThatNoCapsuleHoldsFollowsItsR2tsInPieces) {
  open(GetParam(), 4096);
  owner.connection->set_in_capsule_bytes(0);
  Asked write(write_of(40), pattern(20480), 3000);
  submit(write);
  auto sent = take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].data.empty());
  const auto sqe = sent[0].as<pdu::CapsuleCmd>().sqe;
  EXPECT_EQ(sqe.dptr.type, wire::kSglTransport);
  Bytes whole;
  for (const auto& [offset, bytes] : {std::pair{0u, 12288u}, std::pair{12288u, 8192u}}) {
    send(r2t(sqe.cid, 9, offset, bytes));
    sent = take();
    ASSERT_EQ(sent.size(), bytes / 4096);
    for (const Received& one : sent) {
      const auto head = one.as<pdu::H2cData>();
      EXPECT_EQ(head.ttag, 9u);
      EXPECT_EQ(head.cccid, sqe.cid);
      EXPECT_EQ(head.datao, whole.size());
      append(whole, one.data);
      EXPECT_EQ((one.ch.flags & pdu::kLastPdu) != 0, whole.size() == offset + bytes);
    }
  }
  EXPECT_EQ(whole, write.memory);
  EXPECT_FALSE(write.is_done);
  send(response(sqe.cid));
  EXPECT_TRUE(write.is_done && write.end == End::completed);
}

TEST_P(TcpHostConnection, AReadIsFilledFromSeveralPdus) {
  open(GetParam());
  const Bytes data = pattern(32768);
  Asked read(read_of(64), Bytes(data.size()), 10000);
  submit(read);
  const std::uint16_t cid = take().at(0).as<pdu::CapsuleCmd>().sqe.cid;
  far->largest_chunk = 5000;
  send(c2h(cid, 0, std::span(data).first(20000), 0));
  EXPECT_FALSE(read.is_done);
  send(c2h(cid, 20000, std::span(data).subspan(20000), pdu::kLastPdu | pdu::kSuccess));
  ASSERT_TRUE(read.is_done);
  EXPECT_EQ(read.end, End::completed);
  EXPECT_EQ(read.memory, data);
}

TEST_P(TcpHostConnection, MissingDataIsNoSuccess) {
  open(GetParam());
  Asked read(read_of(16), Bytes(8192));
  submit(read);
  const std::uint16_t cid = take().at(0).as<pdu::CapsuleCmd>().sqe.cid;
  send(c2h(cid, 0, pattern(4096), pdu::kLastPdu));
  send(response(cid));
  ASSERT_TRUE(read.is_done);
  EXPECT_EQ(read.end, End::damaged);
}

}  // namespace
}  // namespace weft::tcp
