// The host's end of a connection: what ends it, and what becomes of its commands then.
#include <gmock/gmock.h>

#include <functional>

#include "transports/tcp/test_host_connection.h"

namespace weft::tcp {
namespace {

using End = fabric::HostCommand::End;

class TcpHostConnectionEnds : public TcpHostConnection {};

TEST_F(TcpHostConnectionEnds, ADamagedDigestOfDataEndsOneCommandOnly) {
  open({.ddgst = true});
  Asked read(read_of(8), Bytes(4096));
  Asked next(read_of(8), Bytes(4096));
  submit(read);
  submit(next);
  const auto sent = take();
  Bytes bytes =
      c2h(sent.at(0).as<pdu::CapsuleCmd>().sqe.cid, 0, pattern(4096), pdu::kLastPdu | pdu::kSuccess);
  bytes.back() ^= std::byte{1};
  send(bytes);
  EXPECT_TRUE(read.is_done && read.end == End::damaged);
  send(c2h(sent.at(1).as<pdu::CapsuleCmd>().sqe.cid, 0, pattern(4096), pdu::kLastPdu | pdu::kSuccess));
  EXPECT_TRUE(next.is_done && next.end == End::completed);
}

TEST_F(TcpHostConnectionEnds, ADamagedDigestOfAHeaderEndsTheConnection) {
  open({.hdgst = true});
  Bytes bytes = response(0);
  bytes.back() ^= std::byte{1};
  send(bytes);
  expect_violation(pdu::FatalError::header_digest_error);
}

TEST_F(TcpHostConnectionEnds, DataIsAlignedAsTheControllerAsked) {
  cpda = 15;
  open();
  Asked write(write_of(1), pattern(512));
  submit(write);
  const auto sent = take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].ch.pdo, 128u);
  EXPECT_EQ(sent[0].data, write.memory);
  send(response(sent[0].as<pdu::CapsuleCmd>().sqe.cid));
  EXPECT_TRUE(write.is_done);
}

TEST_F(TcpHostConnectionEnds, WhatACommandDidNotAskForEndsTheConnection) {
  struct Case {
    const char* what;
    pdu::FatalError fes;
    std::function<Bytes(TcpHostConnection&, std::uint16_t read, std::uint16_t write)> bytes;
  };
  const Bytes data = pattern(8192);
  const Case cases[] = {
      {"a response to nobody", pdu::FatalError::invalid_header_field,
       [](auto& test, auto, auto) { return test.response(0x7777); }},
      {"data for nobody", pdu::FatalError::invalid_header_field,
       [&](auto& test, auto, auto) { return test.c2h(0x7777, 0, std::span(data).first(512), 0); }},
      {"data for a write", pdu::FatalError::invalid_header_field,
       [&](auto& test, auto, auto write) { return test.c2h(write, 0, std::span(data).first(512), 0); }},
      {"more data than asked for", pdu::FatalError::data_transfer_out_of_range,
       [&](auto& test, auto read, auto) { return test.c2h(read, 0, data, 0); }},
      {"data of another length than its PDU", pdu::FatalError::invalid_header_field,
       [&](auto& test, auto read, auto) {
         Bytes bytes = test.c2h(read, 0, std::span(data).first(512), 0);
         bytes[offsetof(pdu::C2hData, datal)] = std::byte{4};
         return bytes;
       }},
      {"data at another place", pdu::FatalError::data_transfer_out_of_range,
       [&](auto& test, auto read, auto) { return test.c2h(read, 512, std::span(data).first(512), 0); }},
      {"success before the last", pdu::FatalError::invalid_header_field,
       [&](auto& test, auto read, auto) {
         return test.c2h(read, 0, std::span(data).first(512), pdu::kSuccess);
       }},
      {"an R2T for nobody", pdu::FatalError::invalid_header_field,
       [](auto& test, auto, auto) { return test.r2t(0x7777, 1, 0, 512); }},
      {"an R2T for a read", pdu::FatalError::invalid_header_field,
       [](auto& test, auto read, auto) { return test.r2t(read, 1, 0, 512); }},
      {"an R2T beyond the data", pdu::FatalError::data_transfer_out_of_range,
       [](auto& test, auto, auto write) { return test.r2t(write, 1, 0, 70000); }},
      {"an R2T for nothing", pdu::FatalError::data_transfer_out_of_range,
       [](auto& test, auto, auto write) { return test.r2t(write, 1, 0, 0); }},
      {"a second ICResp", pdu::FatalError::pdu_sequence_error,
       [](auto&, auto, auto) { return raw_pdu(pdu::make_ic_resp({})); }},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.what);
    owner = {};
    open();
    owner.connection->set_in_capsule_bytes(0);
    Asked read(read_of(8), Bytes(4096));
    Asked write(write_of(128), pattern(65536));
    submit(read);
    submit(write);
    const auto sent = take();
    send(each.bytes(*this, sent.at(0).as<pdu::CapsuleCmd>().sqe.cid,
                    sent.at(1).as<pdu::CapsuleCmd>().sqe.cid));
    expect_violation(each.fes);
    EXPECT_TRUE(read.is_done && read.end == End::lost);
    EXPECT_TRUE(write.is_done && write.end == End::lost);
  }
}

// Of which one at a time was agreed.
TEST_F(TcpHostConnectionEnds, AnR2tBeforeAllOfTheLastWasSentEndsTheConnection) {
  open();
  owner.connection->set_in_capsule_bytes(0);
  Asked write(write_of(128), pattern(65536));
  submit(write);
  const std::uint16_t cid = take().at(0).as<pdu::CapsuleCmd>().sqe.cid;
  far->sends_held = true;
  send(r2t(cid, 1, 0, 16384));
  EXPECT_TRUE(owner.ended.empty());
  send(r2t(cid, 2, 16384, 512));
  ASSERT_EQ(owner.ended.size(), 1u);
  EXPECT_THAT(owner.ended[0].message, ::testing::HasSubstr(pdu::name(pdu::FatalError::limit_exceeded)));
  EXPECT_TRUE(write.is_done && write.end == End::lost);
}

TEST_F(TcpHostConnectionEnds, DigestsThatAreNotGrantedAreAnError) {
  for (const bool header : {true, false}) {
    owner = {};
    accept({.hdgst = true, .ddgst = true});
    agreement = {};
    send(raw_pdu(pdu::make_ic_resp({.hdgst = !header, .ddgst = header})));
    ASSERT_EQ(owner.ended.size(), 1u);
    EXPECT_NE(owner.ended[0].message.find(header ? "no header digest" : "no data digest"), std::string::npos)
        << owner.ended[0].message;
    EXPECT_EQ(owner.ready, 0u);
  }
}

TEST_F(TcpHostConnectionEnds, DigestsThatNobodyAskedForAreAViolation) {
  accept();
  send(raw_pdu(pdu::make_ic_resp({.ddgst = true})));
  expect_violation(pdu::FatalError::invalid_header_field);
}

TEST_F(TcpHostConnectionEnds, AnICRespOfAnotherVersionIsAViolation) {
  accept();
  pdu::IcResp response = pdu::make_ic_resp({});
  response.pfv = 1;
  send(raw_pdu(response));
  expect_violation(pdu::FatalError::unsupported_parameter);
}

TEST_F(TcpHostConnectionEnds, TheTargetSaysWhyItEndsTheConnection) {
  open();
  send(raw_pdu(pdu::make_term_req(pdu::PduType::c2h_term_req, {pdu::FatalError::pdu_sequence_error, 0}, 0)));
  ASSERT_EQ(owner.ended.size(), 1u);
  EXPECT_NE(owner.ended[0].message.find(pdu::name(pdu::FatalError::pdu_sequence_error)), std::string::npos);
}

TEST_F(TcpHostConnectionEnds, ARefusedConnectionSaysSo) {
  connect();
  networks.answer_connect(ECONNREFUSED);
  loops.run_until_idle();
  ASSERT_EQ(owner.ended.size(), 1u);
  EXPECT_EQ(owner.ended[0].code, ECONNREFUSED);
  EXPECT_NE(owner.ended[0].message.find("192.0.2.1:4420"), std::string::npos) << owner.ended[0].message;
}

TEST_F(TcpHostConnectionEnds, AConnectThatHangsIsGivenUpAndMayEndLater) {
  connect();
  loops.advance(std::chrono::seconds(10));
  ASSERT_EQ(owner.ended.size(), 1u);
  EXPECT_EQ(owner.ended[0].code, ETIMEDOUT);
  EXPECT_EQ(owner.closed, 1u);
  const auto late = networks.answer_connect();
  loops.run_until_idle();
  EXPECT_TRUE(late->accepted_dropped);
}

TEST_F(TcpHostConnectionEnds, AConnectMayEndWhenItWasGivenUpAndNotClosed) {
  owner.closes = false;
  connect();
  loops.advance(std::chrono::seconds(10));
  ASSERT_EQ(owner.ended.size(), 1u);
  const auto late = networks.answer_connect();
  loops.run_until_idle();
  EXPECT_TRUE(late->accepted_dropped);
  EXPECT_EQ(owner.ready, 0u);
}

TEST_F(TcpHostConnectionEnds, ATargetThatSaysNothingIsGivenUp) {
  accept();
  loops.advance(std::chrono::seconds(10));
  ASSERT_EQ(owner.ended.size(), 1u);
  EXPECT_EQ(owner.ended[0].code, ETIMEDOUT);
  EXPECT_TRUE(far->closed);
}

TEST_F(TcpHostConnectionEnds, AConnectThatNeverEndsIsFreedWithTheInitiator) {
  connect();
  owner.connection->close();
  loops.run_until_idle();
  EXPECT_EQ(owner.closed, 1u);
  EXPECT_TRUE(owner.ended.empty());
}

TEST_F(TcpHostConnectionEnds, CommandsOfALostConnectionEndOnceTheirDataIsNotReferredTo) {
  open();
  Asked write(write_of(8), pattern(4096));
  Asked read(read_of(64), Bytes(32768));
  far->sends_held = true;
  owner.connection->submit(write);
  owner.connection->submit(read);
  loops.run_until_idle();
  far->stream->end(ECONNRESET);
  loops.run_until_idle();
  EXPECT_TRUE(write.is_done && write.end == End::lost);
  EXPECT_TRUE(read.is_done && read.end == End::lost);
  ASSERT_EQ(owner.ended.size(), 1u);
  EXPECT_EQ(owner.ended[0].code, ECONNRESET);
}

// What comes then may be what the stream was to put into the command's memory.
TEST_F(TcpHostConnectionEnds, DataMayComeAfterTheEnd) {
  owner.closes = false;
  open();
  Asked read(read_of(64), Bytes(32768));
  submit(read);
  const Bytes bytes = c2h(take().at(0).as<pdu::CapsuleCmd>().sqe.cid, 0, pattern(32768), pdu::kLastPdu);
  send(std::span(bytes).first(sizeof(pdu::C2hData)));
  ASSERT_EQ(far->direct_receives, 1u);
  far->stream->end(ECONNRESET);
  loops.run_until_idle();
  send(std::span(bytes).subspan(sizeof(pdu::C2hData)));
  EXPECT_FALSE(read.is_done);
  owner.connection->close();
  loops.run_until_idle();
  EXPECT_TRUE(read.is_done && read.end == End::lost);
}

TEST_F(TcpHostConnectionEnds, AnOwnerMayCloseLater) {
  owner.closes = false;
  open();
  Asked read(read_of(8), Bytes(4096));
  submit(read);
  far->stream->end(0);
  loops.run_until_idle();
  EXPECT_FALSE(read.is_done);
  EXPECT_EQ(owner.closed, 0u);
  owner.connection->close();
  loops.run_until_idle();
  EXPECT_TRUE(read.is_done && read.end == End::lost);
}

}  // namespace
}  // namespace weft::tcp
