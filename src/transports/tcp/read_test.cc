// Data to the host: C2HData, its flags and alignment, and completions.
#include "transports/tcp/test_host.h"

namespace weft::tcp {
namespace {

using pdu::PduType;

class TcpRead : public TcpTest {
 protected:
  static constexpr std::uint8_t kLastAndSuccess = pdu::kLastPdu | pdu::kSuccess;
  static constexpr std::uint8_t kDataFlags = kLastAndSuccess;
};

// Every agreement: one C2HData with SUCCESS stands for the completion, and its data is where the host wants
// it.
TEST_F(TcpRead, SuccessStandsForTheCompletion) {
  for (unsigned hpda = 0; hpda < 32; ++hpda) {
    for (unsigned digests = 0; digests < 4; ++digests) {
      SCOPED_TRACE(testing::Message() << "HPDA " << hpda << " digests " << digests);
      const Agreement agreed{
          .hdgst = (digests & 1) != 0, .ddgst = (digests & 2) != 0, .hpda = static_cast<std::uint8_t>(hpda)};
      auto far = open_queue(agreed);
      send(*far, capsule(9, agreed, {}, 4096));
      command(0).answer_data(pattern(4096), 1000);
      loops.run_until_idle();
      EXPECT_TRUE(command(0).released);
      const auto answers = take(*far, agreed);
      ASSERT_EQ(answers.size(), 1u);
      ASSERT_EQ(answers[0].type, PduType::c2h_data);
      EXPECT_EQ(answers[0].ch.flags & kDataFlags, kLastAndSuccess);
      EXPECT_EQ(answers[0].ch.pdo % ((hpda + 1) * 4), 0u);
      EXPECT_LT(answers[0].ch.pdo, 24u + 4 + (hpda + 1) * 4);
      const auto header = answers[0].as<pdu::C2hData>();
      EXPECT_EQ(header.cccid, 9u);
      EXPECT_EQ(header.datao, 0u);
      EXPECT_EQ(header.datal, 4096u);
      EXPECT_EQ(answers[0].data, pattern(4096));
    }
  }
}

TEST_F(TcpRead, AResultOrAStatusNeedsACompletion) {
  const Agreement agreements[] = {{}, {.hdgst = true, .ddgst = true}};
  for (const Agreement& agreed : agreements) {
    auto far = open_queue(agreed);
    send(*far, capsule(9, agreed, {}, 512));
    command(0).answer_data(pattern(512), 0, 77);
    loops.run_until_idle();
    const auto answers = take(*far, agreed);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].type, PduType::c2h_data);
    EXPECT_EQ(answers[0].ch.flags & kDataFlags, pdu::kLastPdu);
    EXPECT_EQ(answers[0].data, pattern(512));
    ASSERT_EQ(answers[1].type, PduType::capsule_resp);
    EXPECT_EQ(answers[1].as<pdu::CapsuleResp>().cqe.result, 77u);
  }
}

TEST_F(TcpRead, AnErrorTakesNoDataAlong) {
  const Agreement agreed{.ddgst = true};
  auto far = open_queue(agreed);
  send(*far, capsule(9, agreed, {}, 512));
  command(0).answer_data(pattern(512), 0, 0, wire::status::kUnrecoveredReadError);
  loops.run_until_idle();
  EXPECT_TRUE(command(0).released);
  const auto answers = take(*far, agreed);
  ASSERT_EQ(answers.size(), 1u);
  ASSERT_EQ(answers[0].type, PduType::capsule_resp);
  EXPECT_EQ(answers[0].as<pdu::CapsuleResp>().cqe.decoded_status(), wire::status::kUnrecoveredReadError);
}

TEST_F(TcpRead, LessThanAskedForAndNothingAtAll) {
  auto far = open_queue();
  send(*far, capsule(1, {}, {}, 4096));
  command(0).answer_data(pattern(100));
  send(*far, capsule(2, {}, {}, 4096));
  command(1).answer_data({});
  loops.run_until_idle();
  const auto answers = take(*far, {});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].data, pattern(100));
  ASSERT_EQ(answers[1].type, PduType::capsule_resp);
}

TEST_F(TcpRead, LargerThanABuffer) {
  for (const bool digest : {false, true}) {
    const Agreement agreed{.hdgst = digest, .ddgst = digest};
    auto far = open_queue(agreed);
    send(*far, capsule(1, agreed, {}, 1u << 20));
    command(0).answer_data(pattern(1u << 20), 128 * 1024);
    loops.run_until_idle();
    const auto answers = take(*far, agreed);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].data, pattern(1u << 20));
  }
}

TEST_F(TcpRead, OutOfOrder) {
  auto far = open_queue();
  for (std::uint16_t cid = 0; cid < 20; ++cid) put(*far, capsule(cid, {}, {}, 100));
  loops.run_until_idle();
  for (unsigned i = 20; i-- > 0;) command(i).answer_data(pattern(100, i));
  loops.run_until_idle();
  const auto answers = take(*far, {});
  ASSERT_EQ(answers.size(), 20u);
  for (unsigned i = 0; i < 20; ++i) {
    EXPECT_EQ(answers[i].as<pdu::C2hData>().cccid, 19 - i);
    EXPECT_EQ(answers[i].data, pattern(100, 19 - i));
  }
}

TEST_F(TcpRead, WhatOneTurnAnswersLeavesInOneSend) {
  const Agreement agreed{.hdgst = true, .ddgst = true, .hpda = 31};
  auto far = open_queue(agreed);
  (void)take(*far, agreed);
  far->sends = 0;
  for (std::uint16_t cid = 0; cid < 16; ++cid) put(*far, capsule(cid, agreed, {}, 512));
  queue().on_receive = [](Scripted& command) {
    if (command.reply.sqe().cid % 2 == 0) {
      command.answer_data(pattern(512), 0, 1);
    } else {
      command.answer();
    }
  };
  loops.run_until_idle();
  EXPECT_EQ(take(*far, agreed).size(), 8u * 2 + 8);
  EXPECT_EQ(far->sends, 1u);
}

// The memory of an answer stays until the kernel has taken it.
TEST_F(TcpRead, TheMemoryIsHeldUntilItIsSent) {
  auto far = open_queue();
  far->sends_held = true;
  send(*far, capsule(1, {}, {}, 4096));
  command(0).answer_data(pattern(4096));
  loops.run_until_idle();
  EXPECT_FALSE(command(0).released);
  far->sends_held = false;
  far->stream->pump();
  loops.run_until_idle();
  EXPECT_TRUE(command(0).released);
  EXPECT_EQ(take(*far, {}).at(0).data, pattern(4096));
}

}  // namespace
}  // namespace weft::tcp
