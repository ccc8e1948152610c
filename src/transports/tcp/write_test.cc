// Data from the host: in the capsule and by R2T.
#include <set>

#include "transports/tcp/test_host.h"

namespace weft::tcp {
namespace {

using fabric::Pull;
using pdu::PduType;

constexpr Agreement kAgreements[] = {
    {}, {.hdgst = true}, {.ddgst = true}, {.hdgst = true, .ddgst = true}, {.hpda = 31}};

class TcpWrite : public TcpTest {
 protected:
  // The R2T that came, alone.
  pdu::R2t take_r2t(Far& far, const Agreement& agreed = {}) {
    const auto answers = take(far, agreed);
    EXPECT_EQ(answers.size(), 1u);
    if (answers.empty() || answers[0].type != PduType::r2t) {
      ADD_FAILURE() << "no R2T";
      return {};
    }
    return answers[0].as<pdu::R2t>();
  }
  void expect_response(Far& far, const Agreement& agreed, std::uint16_t cid, wire::Status status = {}) {
    const auto answers = take(far, agreed);
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_EQ(answers[0].type, PduType::capsule_resp);
    const auto cqe = answers[0].as<pdu::CapsuleResp>().cqe;
    EXPECT_EQ(cqe.cid, cid);
    EXPECT_EQ(cqe.decoded_status(), status);
  }
};

TEST_F(TcpWrite, InTheCapsule) {
  for (const Agreement& agreed : kAgreements) {
    auto far = open_queue(agreed);
    const Bytes data = pattern(4096);
    send(*far, capsule(5, agreed, data));
    EXPECT_EQ(command(0).reply.in_capsule_bytes(), 4096u);
    command(0).start_pull(4096, 1000);
    loops.run_until_idle();
    ASSERT_TRUE(command(0).done);
    EXPECT_EQ(command(0).outcome, Pull::Outcome::ok);
    EXPECT_EQ(command(0).memory, data);
    command(0).answer();
    loops.run_until_idle();
    expect_response(*far, agreed, 5);
  }
}

TEST_F(TcpWrite, PartOfTheCapsuleAtAnOffset) {
  for (const Agreement& agreed : kAgreements) {
    auto far = open_queue(agreed);
    const Bytes data = pattern(3000);
    pdu::CapsuleCmd value{};
    value.ch.type = static_cast<std::uint8_t>(PduType::capsule_cmd);
    value.sqe.cid = 1;
    wire::set_in_capsule(value.sqe, 1500);
    value.sqe.dptr.address = 1000;
    send(*far, framed(value, agreed, data));
    command(0).start_pull(1200);
    loops.run_until_idle();
    ASSERT_TRUE(command(0).done);
    EXPECT_EQ(command(0).outcome, Pull::Outcome::ok);
    EXPECT_EQ(command(0).memory, Bytes(data.begin() + 1000, data.begin() + 2200));
    command(0).answer();
    send(*far, capsule(2, agreed));
    ASSERT_EQ(queue().commands.size(), 2u);  // the stream is still in step
    command(1).answer();
  }
}

TEST_F(TcpWrite, DataThatNobodyPullsIsSkipped) {
  for (const Agreement& agreed : kAgreements) {
    auto far = open_queue(agreed);
    send(*far, capsule(1, agreed, pattern(8192)));
    command(0).answer(wire::status::kInvalidField);
    send(*far, capsule(2, agreed, pattern(100)));
    ASSERT_EQ(queue().commands.size(), 2u);
    command(1).answer();
  }
}

TEST_F(TcpWrite, ADamagedCapsuleFailsTheCommandAlone) {
  const Agreement agreed{.hdgst = true, .ddgst = true};
  auto far = open_queue(agreed);
  Bytes bytes = capsule(1, agreed, pattern(512));
  bytes[200] ^= std::byte{1};
  send(*far, bytes);
  command(0).start_pull(512);
  loops.run_until_idle();
  ASSERT_TRUE(command(0).done);
  EXPECT_EQ(command(0).outcome, Pull::Outcome::digest_error);
  command(0).answer(wire::status::kTransientTransportError);
  loops.run_until_idle();
  expect_response(*far, agreed, 1, wire::status::kTransientTransportError);
  EXPECT_EQ(transport->counts().data_digest_errors, 1u);
  send(*far, capsule(2, agreed));
  ASSERT_EQ(queue().commands.size(), 2u);
  command(1).answer();
}

// A digest that is wrong where the command has failed already says nothing new.
TEST_F(TcpWrite, ADamagedCapsuleOfACommandThatFailedIsNothing) {
  const Agreement agreed{.ddgst = true};
  auto far = open_queue(agreed);
  Bytes bytes = capsule(1, agreed, pattern(512));
  bytes.back() ^= std::byte{1};
  put(*far, bytes);
  queue().on_receive = [](Scripted& command) { command.answer(wire::status::kInvalidField); };
  loops.run_until_idle();
  expect_response(*far, agreed, 1, wire::status::kInvalidField);
  send(*far, capsule(2, agreed));
  expect_response(*far, agreed, 2, wire::status::kInvalidField);
  EXPECT_FALSE(far->closed);
}

TEST_F(TcpWrite, ByR2tInSeveralPdus) {
  for (const Agreement& agreed : kAgreements) {
    auto far = open_queue(agreed);
    const Bytes data = pattern(100'000);
    send(*far, capsule(3, agreed, {}, 100'000));
    command(0).start_pull(100'000, 33'333);
    loops.run_until_idle();
    const auto r2t = take_r2t(*far, agreed);
    EXPECT_EQ(r2t.cccid, 3u);
    EXPECT_EQ(r2t.r2to, 0u);
    EXPECT_EQ(r2t.r2tl, 100'000u);
    std::size_t at = 0;
    for (const std::size_t part : {4u, 4096u, 1u, 60'000u, 35'899u}) {
      EXPECT_FALSE(command(0).done);
      send(*far, h2c_data(3, r2t.ttag, static_cast<std::uint32_t>(at), std::span(data).subspan(at, part),
                          at + part == data.size(), agreed));
      at += part;
    }
    ASSERT_EQ(at, data.size());
    ASSERT_TRUE(command(0).done);
    EXPECT_EQ(command(0).outcome, Pull::Outcome::ok);
    EXPECT_EQ(command(0).memory, data);
    EXPECT_TRUE(far->to_far.empty());
    command(0).answer();
    loops.run_until_idle();
    expect_response(*far, agreed, 3);
  }
}

// More padding than needed, as a host may send: PDO up to its largest aligned value.
TEST_F(TcpWrite, PaddingBeforeTheData) {
  for (const unsigned pdo : {24u, 28u, 64u, 128u, 252u}) {
    SCOPED_TRACE(pdo);
    auto far = open_queue();
    send(*far, capsule(1, {}, {}, 512));
    command(0).start_pull(512);
    loops.run_until_idle();
    auto header = h2c_header(1, take_r2t(*far).ttag, 0, 512);
    header.ch.hlen = sizeof header;
    header.ch.flags = pdu::kLastPdu;
    header.ch.pdo = static_cast<std::uint8_t>(pdo);
    header.ch.plen = pdo + 512;
    Bytes bytes = raw_pdu(header);
    bytes.resize(pdo, std::byte{0xEE});
    append(bytes, pattern(512));
    send(*far, bytes);
    ASSERT_TRUE(command(0).done);
    EXPECT_EQ(command(0).memory, pattern(512));
    command(0).answer();
  }
}

// The memory may be shorter than what the host sends; the rest is dropped.
TEST_F(TcpWrite, TheRestOfTheDataIsDropped) {
  for (const Agreement& agreed : kAgreements) {
    auto far = open_queue(agreed);
    send(*far, capsule(1, agreed, {}, 50'000));
    command(0).start_pull(20'000);
    loops.run_until_idle();
    const auto r2t = take_r2t(*far, agreed);
    EXPECT_EQ(r2t.r2tl, 50'000u);
    const Bytes data = pattern(50'000);
    send(*far, h2c_data(1, r2t.ttag, 0, data, true, agreed));
    ASSERT_TRUE(command(0).done);
    EXPECT_EQ(command(0).memory, Bytes(data.begin(), data.begin() + 20'000));
    command(0).answer();
  }
}

TEST_F(TcpWrite, LargeDataGoesRightIntoTheMemory) {
  for (const Agreement& agreed : kAgreements) {
    auto far = open_queue(agreed);
    send(*far, capsule(1, agreed, {}, 1u << 20));
    command(0).start_pull(1u << 20, 128 * 1024);
    loops.run_until_idle();
    const auto r2t = take_r2t(*far, agreed);
    far->largest_chunk = 16 * 1024;
    const Bytes data = pattern(1u << 20);
    for (std::uint32_t at = 0; at < data.size(); at += 256 * 1024)
      put(*far, h2c_data(1, r2t.ttag, at, std::span(data).subspan(at, 256 * 1024),
                         at + 256 * 1024 == data.size(), agreed));
    loops.run_until_idle();
    ASSERT_TRUE(command(0).done);
    EXPECT_EQ(command(0).outcome, Pull::Outcome::ok);
    EXPECT_EQ(command(0).memory, data);
    EXPECT_GE(far->direct_receives, 4u);
    EXPECT_EQ(far->chunks_out, 0u);
    command(0).answer();
  }
}

TEST_F(TcpWrite, ADamagedPduOfSeveralFailsTheCommandAlone) {
  const Agreement agreed{.hdgst = true, .ddgst = true};
  for (unsigned damaged = 0; damaged < 3; ++damaged) {
    SCOPED_TRACE(damaged);
    auto far = open_queue(agreed);
    send(*far, capsule(1, agreed, {}, 3000));
    command(0).start_pull(3000);
    loops.run_until_idle();
    const auto r2t = take_r2t(*far, agreed);
    const Bytes data = pattern(3000);
    for (unsigned part = 0; part < 3; ++part) {
      Bytes bytes =
          h2c_data(1, r2t.ttag, part * 1000, std::span(data).subspan(part * 1000, 1000), part == 2, agreed);
      if (part == damaged) bytes.back() ^= std::byte{0x80};
      EXPECT_FALSE(command(0).done);
      send(*far, bytes);
    }
    ASSERT_TRUE(command(0).done);
    EXPECT_EQ(command(0).outcome, Pull::Outcome::digest_error);
    command(0).answer(wire::status::kTransientTransportError);
    loops.run_until_idle();
    expect_response(*far, agreed, 1, wire::status::kTransientTransportError);
    EXPECT_FALSE(far->closed);
  }
}

TEST_F(TcpWrite, TransfersOfSeveralCommandsMix) {
  const Agreement agreed{.ddgst = true};
  auto far = open_queue(agreed);
  constexpr unsigned kCommands = 10;
  for (std::uint16_t cid = 0; cid < kCommands; ++cid) put(*far, capsule(cid, agreed, {}, 2000));
  queue().on_receive = [](Scripted& command) { command.start_pull(2000); };
  loops.run_until_idle();
  const auto r2ts = take(*far, agreed);
  ASSERT_EQ(r2ts.size(), kCommands);
  for (const unsigned half : {0u, 1u}) {
    for (unsigned i = kCommands; i-- > 0;) {
      const auto r2t = r2ts[i].as<pdu::R2t>();
      put(*far,
          h2c_data(r2t.cccid, r2t.ttag, half * 1000, pattern(1000, r2t.cccid + half), half == 1, agreed));
    }
  }
  loops.run_until_idle();
  for (unsigned i = 0; i < kCommands; ++i) {
    ASSERT_TRUE(command(i).done);
    Bytes expected = pattern(1000, i);
    append(expected, pattern(1000, i + 1));
    EXPECT_EQ(command(i).memory, expected);
  }
  // Completed in another order than they came.
  for (const unsigned i : {7u, 0u, 9u, 1u, 2u, 8u, 3u, 6u, 5u, 4u}) command(i).answer();
  loops.run_until_idle();
  const auto answers = take(*far, agreed);
  ASSERT_EQ(answers.size(), kCommands);
  EXPECT_EQ(answers[0].as<pdu::CapsuleResp>().cqe.cid, 7u);
  EXPECT_EQ(answers[9].as<pdu::CapsuleResp>().cqe.cid, 4u);
}

// Whatever MAXR2T allows, a command has one R2T outstanding and a tag is not used twice at once.
TEST_F(TcpWrite, OneR2tForEachCommand) {
  for (const std::uint64_t maxr2t : {1u, 2u, 16u}) {
    start();
    auto far = open();
    send(*far, raw_pdu(pdu::make_ic_req({.maxr2t = maxr2t})));
    (void)take(*far, {});
    queue().connection.established({.entries = 8});
    queue().on_receive = [](Scripted& command) { command.start_pull(1u << 20); };
    for (std::uint16_t cid = 0; cid < 8; ++cid) put(*far, capsule(cid, {}, {}, 1u << 20));
    loops.run_until_idle();
    const auto r2ts = take(*far, {});
    ASSERT_EQ(r2ts.size(), 8u);
    std::set<std::uint16_t> tags;
    for (const auto& each : r2ts) {
      tags.insert(each.as<pdu::R2t>().ttag);
      EXPECT_EQ(each.as<pdu::R2t>().r2tl, 1u << 20);
    }
    EXPECT_EQ(tags.size(), 8u);
    far->stream->end(0);
    loops.run_until_idle();
    stop();
  }
}

TEST_F(TcpWrite, ATagIsNotTheSameForTheNextTransfer) {
  auto far = open_queue();
  std::uint16_t before = 0xFFFF;
  for (unsigned i = 0; i < 40; ++i) {
    send(*far, capsule(1, {}, {}, 4));
    queue().commands.back()->start_pull(4);
    loops.run_until_idle();
    const auto r2t = take_r2t(*far);
    EXPECT_NE(r2t.ttag, before);
    before = r2t.ttag;
    send(*far, h2c_data(1, r2t.ttag, 0, pattern(4), true, {}));
    queue().commands.back()->answer();
    loops.run_until_idle();
    expect_response(*far, {}, 1);
  }
}

}  // namespace
}  // namespace weft::tcp
