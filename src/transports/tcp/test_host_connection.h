// For the tests of the host's end: its owner, its commands, and a controller that is built by hand.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "transports/tcp/initiator.h"
#include "transports/tcp/test_host.h"
#include "wire/fabrics.h"
#include "wire/io_command.h"

namespace weft::tcp {

struct HostOwner final : fabric::HostConnectionOwner {
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

inline wire::Sqe read_of(std::uint32_t blocks) {
  return wire::make_read({.nsid = Nsid(1), .range = {.slba = 0, .blocks = blocks}});
}
inline wire::Sqe write_of(std::uint32_t blocks) {
  return wire::make_write({.nsid = Nsid(1), .range = {.slba = 0, .blocks = blocks}});
}

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
  std::vector<Received> take() {
    return take_pdus(*far, {.hdgst = agreement.hdgst, .ddgst = agreement.ddgst, .pda = cpda},
                     pdu::Direction::host_to_controller);
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
  HostOwner owner;
  Agreement agreement;
  std::uint8_t cpda = 0;
  std::shared_ptr<Far> far;
};

}  // namespace weft::tcp
