// The host's end of a connection against a controller that is built by hand.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transports/tcp/initiator.h"
#include "transports/tcp/test_host.h"
#include "wire/fabrics.h"
#include "wire/io_command.h"

namespace weft::tcp {
namespace {

using End = fabric::HostCommand::End;

struct Owner final : fabric::HostConnectionOwner {
  void on_ready() override { ++ready; }
  void on_ended(const Error& why) override {
    ended.push_back(why);
    if (closes) connection->close();
  }
  void on_closed() override {
    ++closed;
    connection.reset();
  }
  std::unique_ptr<fabric::HostConnection> connection;
  bool closes = true;
  unsigned ready = 0;
  unsigned closed = 0;
  std::vector<Error> ended;
};

struct Asked : fabric::HostCommand {
  explicit Asked(const wire::Sqe& entry, Bytes bytes = {}, std::size_t first_piece = 0)
      : memory(std::move(bytes)) {
    sqe = entry;
    if (first_piece != 0) pieces.push_back({memory.data(), first_piece});
    if (!memory.empty()) pieces.push_back({memory.data() + first_piece, memory.size() - first_piece});
    data = pieces;
    done = [](fabric::HostCommand& self) noexcept {
      EXPECT_FALSE(static_cast<Asked&>(self).is_done) << "it ends once";
      static_cast<Asked&>(self).is_done = true;
    };
  }
  Bytes memory;
  std::vector<iovec> pieces;
  bool is_done = false;
};

wire::Sqe read_of(std::uint32_t blocks) {
  return wire::make_read({.nsid = Nsid(1), .range = {.slba = 0, .blocks = blocks}});
}
wire::Sqe write_of(std::uint32_t blocks) {
  return wire::make_write({.nsid = Nsid(1), .range = {.slba = 0, .blocks = blocks}});
}

struct Sent {
  pdu::CommonHeader ch{};
  Bytes header;
  Bytes data;
  template <class Pdu>
  Pdu as() const {
    return read_as<Pdu>(header);
  }
};

class TcpHostConnection : public ::testing::TestWithParam<Agreement> {
 public:
  ~TcpHostConnection() override {
    if (owner.connection != nullptr) owner.connection->close();
    loops.run_until_idle();
    EXPECT_EQ(owner.closed, 1u);
  }

  void connect(const Agreement& agreed = {}) {
    agreement = agreed;
    owner.connection = initiator.connect(loops[0],
                                         {.traddr = "192.0.2.1",
                                          .trsvcid = "4420",
                                          .header_digest = agreed.hdgst,
                                          .data_digest = agreed.ddgst},
                                         owner);
    loops.run_until_idle();
  }
  // Up to ICReq, which is checked.
  void accept(const Agreement& agreed = {}) {
    connect(agreed);
    far = networks.answer_connect();
    loops.run_until_idle();
    ASSERT_EQ(far->to_far.size(), sizeof(pdu::IcReq));
    const auto request = pdu::parse_ic_req(read_as<pdu::IcReq>(far->to_far));
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->hdgst, agreed.hdgst);
    EXPECT_EQ(request->ddgst, agreed.ddgst);
    EXPECT_EQ(request->maxr2t, 1u);
    far->to_far.clear();
  }
  void open(const Agreement& agreed = {}, std::uint32_t maxh2cdata = 8192) {
    accept(agreed);
    send(raw_pdu(pdu::make_ic_resp(
        {.cpda = cpda, .maxh2cdata = maxh2cdata, .hdgst = agreed.hdgst, .ddgst = agreed.ddgst})));
    ASSERT_EQ(owner.ready, 1u);
  }
  void send(std::span<const std::byte> bytes) {
    far->to_near.insert(far->to_near.end(), bytes.begin(), bytes.end());
    if (far->stream != nullptr) far->stream->pump();
    loops.run_until_idle();
  }
  void submit(Asked& command) {
    owner.connection->submit(command);
    EXPECT_FALSE(command.is_done) << "done inside submit()";
    loops.run_until_idle();
  }
  std::vector<Sent> take() {
    std::vector<Sent> all;
    std::span<const std::byte> bytes = far->to_far;
    while (!bytes.empty()) {
      Sent one;
      one.ch = read_as<pdu::CommonHeader>(bytes);
      const auto shape =
          pdu::check_header(one.ch, {.hdgst = agreement.hdgst, .ddgst = agreement.ddgst, .pda = cpda},
                            pdu::Direction::host_to_controller);
      if (!shape || bytes.size() < shape->size) {
        ADD_FAILURE() << "a damaged PDU of " << bytes.size() << " bytes, type " << int{one.ch.type};
        break;
      }
      one.header = raw(bytes.first(shape->header_size));
      if (shape->hdgst_size != 0) {
        EXPECT_EQ(read_as<wire::le32>(bytes.subspan(shape->header_size)), Digest::of(one.header));
      }
      if (shape->data_size != 0) one.data = raw(bytes.subspan(shape->data_offset, shape->data_size));
      if (shape->ddgst_size != 0) {
        EXPECT_EQ(read_as<wire::le32>(bytes.subspan(shape->size - 4)), Digest::of(one.data));
      }
      all.push_back(std::move(one));
      bytes = bytes.subspan(shape->size);
    }
    far->to_far.clear();
    return all;
  }

  Bytes response(std::uint16_t cid, wire::Status status = {}, std::uint64_t result = 0) {
    pdu::CapsuleResp value{};
    value.ch.type = static_cast<std::uint8_t>(pdu::PduType::capsule_resp);
    value.cqe.cid = cid;
    value.cqe.status = status.encode();
    value.cqe.result = result;
    return framed(value, agreement, {});
  }
  Bytes c2h(std::uint16_t cid, std::uint32_t offset, std::span<const std::byte> data, std::uint8_t flags) {
    pdu::C2hData value{};
    value.ch.type = static_cast<std::uint8_t>(pdu::PduType::c2h_data);
    value.cccid = cid;
    value.datao = offset;
    value.datal = static_cast<std::uint32_t>(data.size());
    return framed(value, agreement, data, flags);
  }
  Bytes r2t(std::uint16_t cid, std::uint16_t tag, std::uint32_t offset, std::uint32_t bytes) {
    pdu::R2t value{};
    value.ch.type = static_cast<std::uint8_t>(pdu::PduType::r2t);
    value.cccid = cid;
    value.ttag = tag;
    value.r2to = offset;
    value.r2tl = bytes;
    return framed(value, agreement, {});
  }
  void expect_violation(pdu::FatalError fes) {
    ASSERT_EQ(owner.ended.size(), 1u);
    EXPECT_EQ(owner.ended[0].code, EPROTO);
    const auto sent = take();
    ASSERT_FALSE(sent.empty());
    ASSERT_EQ(sent.back().ch.type, static_cast<std::uint8_t>(pdu::PduType::h2c_term_req));
    EXPECT_EQ(sent.back().as<pdu::TermReq>().fes, static_cast<std::uint16_t>(fes));
    EXPECT_TRUE(far->closed);
    EXPECT_EQ(owner.closed, 1u);
  }

  TestLoops loops{1};
  FakeNetworks networks{loops};
  TcpInitiator initiator{networks};
  Owner owner;
  Agreement agreement;
  std::uint8_t cpda = 0;
  std::shared_ptr<Far> far;
};

class TcpHostConnectionEnds : public TcpHostConnection {};

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
    for (const Sent& one : sent) {
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

TEST_F(TcpHostConnectionEnds, DigestsThatAreNotGrantedAreAnError) {
  accept({.hdgst = true, .ddgst = true});
  agreement = {};
  send(raw_pdu(pdu::make_ic_resp({.hdgst = true})));
  ASSERT_EQ(owner.ended.size(), 1u);
  EXPECT_NE(owner.ended[0].message.find("no data digest"), std::string::npos) << owner.ended[0].message;
  EXPECT_EQ(owner.ready, 0u);
}

TEST_F(TcpHostConnectionEnds, DigestsThatNobodyAskedForAreAViolation) {
  accept();
  send(raw_pdu(pdu::make_ic_resp({.ddgst = true})));
  expect_violation(pdu::FatalError::invalid_header_field);
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
