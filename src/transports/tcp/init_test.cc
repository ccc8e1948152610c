// ICReq and ICResp, and the limits on connections that say nothing.
#include "transports/tcp/test_host.h"

namespace weft::tcp {
namespace {

using pdu::FatalError;
using pdu::PduType;
using std::chrono::milliseconds;
using std::chrono::seconds;

class TcpInit : public TcpTest {
 protected:
  pdu::IcResp answer_to(const pdu::IcReq& request) {
    auto far = open();
    send(*far, raw_pdu(request));
    const auto answers = take(*far, {});
    EXPECT_EQ(answers.size(), 1u);
    if (answers.empty() || answers[0].type != PduType::ic_resp) {
      ADD_FAILURE() << "no ICResp";
      return {};
    }
    EXPECT_EQ(answers[0].header.size(), sizeof(pdu::IcResp));
    return answers[0].as<pdu::IcResp>();
  }
};

TEST_F(TcpInit, AnswersWithItsParameters) {
  start();
  const auto answer = answer_to(pdu::make_ic_req({}));
  EXPECT_EQ(answer.pfv, 0u);
  EXPECT_EQ(answer.cpda, 0u);
  EXPECT_EQ(answer.dgst, 0u);
  EXPECT_EQ(answer.maxh2cdata, 256u * 1024);
  EXPECT_EQ(answer.ch.plen, 128u);
  EXPECT_EQ(answer.ch.hlen, 128u);
  for (const std::uint8_t byte : answer.reserved) EXPECT_EQ(byte, 0u);
}

TEST_F(TcpInit, MaxH2cDataIsAMultipleOf4AndAtLeast4096) {
  const std::pair<std::uint32_t, std::uint32_t> cases[] = {{0, 4096},
                                                           {4095, 4096},
                                                           {4096, 4096},
                                                           {4099, 4096},
                                                           {4100, 4100},
                                                           {131073, 131072},
                                                           {0xFFFFFFFF, 0xFFFFFFFC}};
  for (const auto& [wanted, given] : cases) {
    SCOPED_TRACE(wanted);
    options.max_h2c_data = wanted;
    start();
    EXPECT_EQ(answer_to(pdu::make_ic_req({})).maxh2cdata, given);
    stop();
  }
}

TEST_F(TcpInit, GrantsTheDigestsThatBothWant) {
  for (unsigned wanted = 0; wanted < 4; ++wanted) {
    for (unsigned allowed = 0; allowed < 4; ++allowed) {
      SCOPED_TRACE(testing::Message() << wanted << " of " << allowed);
      options.header_digest = (allowed & 1) != 0;
      options.data_digest = (allowed & 2) != 0;
      start();
      EXPECT_EQ(answer_to(pdu::make_ic_req({.hdgst = (wanted & 1) != 0, .ddgst = (wanted & 2) != 0})).dgst,
                wanted & allowed);
      stop();
    }
  }
}

TEST_F(TcpInit, ReservedBitsAreIgnored) {
  start();
  auto request = pdu::make_ic_req({.hdgst = true});
  request.dgst = 0xFD;
  request.ch.flags = 0xFF;
  request.ch.pdo = 0xFF;
  std::memset(request.reserved, 0xFF, sizeof request.reserved);
  EXPECT_EQ(answer_to(request).dgst, 1u);
}

TEST_F(TcpInit, TakesEveryAlignmentAndAnyNumberOfR2ts) {
  start();
  for (unsigned hpda = 0; hpda < 32; ++hpda)
    (void)answer_to(pdu::make_ic_req({.hpda = static_cast<std::uint8_t>(hpda)}));
  (void)answer_to(pdu::make_ic_req({.maxr2t = std::uint64_t{1} << 32}));
}

TEST_F(TcpInit, RefusesAFormatVersionItDoesNotKnow) {
  for (const unsigned pfv : {1u, 2u, 0x100u, 0xFFFFu}) {
    start();
    auto far = open();
    auto request = pdu::make_ic_req({});
    request.pfv = static_cast<std::uint16_t>(pfv);
    send(*far, raw_pdu(request));
    expect_fatal(*far, FatalError::unsupported_parameter, 8);
    EXPECT_TRUE(acceptor.queues.empty());
    stop();
  }
}

TEST_F(TcpInit, RefusesAnAlignmentThatIsNone) {
  for (const unsigned hpda : {32u, 33u, 255u}) {
    start();
    auto far = open();
    auto request = pdu::make_ic_req({});
    request.hpda = static_cast<std::uint8_t>(hpda);
    send(*far, raw_pdu(request));
    expect_fatal(*far, FatalError::invalid_header_field, 10);
    stop();
  }
}

TEST_F(TcpInit, TheFatalAnswerRepeatsTheHeader) {
  start();
  auto far = open();
  auto request = pdu::make_ic_req({});
  request.pfv = 9;
  send(*far, raw_pdu(request));
  const auto answers = take(*far, {});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].data, raw_pdu(request));
  ASSERT_EQ(notes.lines.size(), 1u);
  EXPECT_EQ(notes.lines[0], "ended: Unsupported Parameter in a ICReq PDU from the host, FEI 0x8");
}

TEST_F(TcpInit, ASecondOneIsASequenceError) {
  auto far = open_queue();
  send(*far, raw_pdu(pdu::make_ic_req({})));
  expect_fatal(*far, FatalError::pdu_sequence_error, 0);
}

TEST_F(TcpInit, NothingElseComesFirst) {
  start();
  const Bytes firsts[] = {capsule(1, {}), h2c_data(1, 1, 0, pattern(4), true, {})};
  for (const Bytes& first : firsts) {
    auto far = open();
    send(*far, first);
    expect_fatal(*far, FatalError::pdu_sequence_error, 0);
    EXPECT_TRUE(acceptor.queues.empty());
  }
}

TEST_F(TcpInit, ASilentHostIsClosedAfterItsTime) {
  start();
  auto silent = open();
  auto half = open();
  const Bytes request = raw_pdu(pdu::make_ic_req({}));
  send(*half, std::span(request).first(127));
  loops.advance(seconds(10) - milliseconds(1));
  EXPECT_FALSE(silent->closed);
  EXPECT_FALSE(half->closed);
  loops.advance(milliseconds(1));
  EXPECT_TRUE(silent->closed);
  EXPECT_TRUE(half->closed);
  EXPECT_TRUE(silent->to_far.empty());
  EXPECT_EQ(transport->counts().timeouts, 2u);
}

TEST_F(TcpInit, AHostThatDoesNotConnectIsClosedAfterItsTime) {
  start();
  auto far = open();
  send(*far, raw_pdu(pdu::make_ic_req({})));
  send(*far, capsule(1, {}));  // not answered: no queue is established
  loops.advance(seconds(10) - milliseconds(1));
  EXPECT_FALSE(far->closed);
  loops.advance(milliseconds(1));
  EXPECT_TRUE(far->closed);
  EXPECT_EQ(transport->connections(), 0u);
}

TEST_F(TcpInit, AnEstablishedQueueMayBeSilentForEver) {
  auto far = open_queue();
  loops.advance(std::chrono::hours(24));
  EXPECT_FALSE(far->closed);
}

TEST_F(TcpInit, MoreConnectionsThanTheLimitAreClosedAtOnce) {
  for (const auto& [all, of_one] : {std::pair{3u, 2u}, std::pair{2u, 3u}}) {
    options.max_connections = all;
    options.max_connections_per_listener = of_one;
    start();
    auto first = open();
    auto second = open();
    auto third = open();
    EXPECT_TRUE(third->accepted_dropped);
    EXPECT_EQ(transport->connections(), 2u);
    first->stream->end(0);
    loops.run_until_idle();
    EXPECT_TRUE(first->closed);
    auto fourth = open();
    EXPECT_FALSE(fourth->accepted_dropped);
    EXPECT_EQ(transport->connections(), 2u);
    stop();
  }
}

TEST_F(TcpInit, AHostThatLeavesBeforeOrAfterICReqLeavesNothing) {
  start();
  auto before = open();
  before->stream->end(0);
  loops.run_until_idle();
  EXPECT_TRUE(before->closed);
  // The request and the end in one turn: a queue is made and goes at once.
  auto far = open();
  put(*far, raw_pdu(pdu::make_ic_req({})));
  far->stream->end(ECONNRESET);
  loops.run_until_idle();
  EXPECT_TRUE(far->closed);
  EXPECT_EQ(transport->connections(), 0u);
  ASSERT_EQ(acceptor.queues.size(), 1u);
  EXPECT_TRUE(queue().gone);
}

TEST_F(TcpInit, TheQueueSeesThePath) {
  auto far = open_queue();
  const fabric::Path& path = queue().connection.path();
  EXPECT_EQ(path.traddr, "127.0.0.1");
  EXPECT_EQ(path.trsvcid, "4420");
  EXPECT_EQ(path.peer, "192.0.2.9:50000");
  EXPECT_EQ(path.trtype, wire::TransportType::tcp);
  EXPECT_EQ(path.adrfam, wire::AddressFamily::ipv4);
}

}  // namespace
}  // namespace weft::tcp
