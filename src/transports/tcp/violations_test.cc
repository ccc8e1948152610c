// Hosts that break the rules: each field of each PDU at its limits, what the host is told, and that nobody
// else notices.
#include <functional>

#include "transports/tcp/test_host.h"

namespace weft::tcp {
namespace {

using pdu::FatalError;
using pdu::PduType;

constexpr std::uint32_t kTypeAt = 0;
constexpr std::uint32_t kFlagsAt = 1;
constexpr std::uint32_t kHlenAt = 2;
constexpr std::uint32_t kPdoAt = 3;
constexpr std::uint32_t kPlenAt = 4;
constexpr std::uint32_t kTransfer = 8192;
constexpr std::uint16_t kCid = 3;
constexpr std::uint32_t kMaxH2cData = 4096;

class TcpViolations : public TcpTest {
 protected:
  TcpViolations() { options.max_h2c_data = kMaxH2cData; }

  // A neighbour whose commands are answered before and after.
  void start_neighbour() {
    neighbour_ = open_queue();
    neighbours_queue_ = &queue();
    check_neighbour();
  }
  void check_neighbour() {
    send(*neighbour_, capsule(77, {}, pattern(64)));
    Scripted& command = *neighbours_queue_->commands.back();
    command.start_pull(64);
    loops.run_until_idle();
    EXPECT_TRUE(command.done);
    EXPECT_EQ(command.memory, pattern(64));
    command.answer();
    loops.run_until_idle();
    EXPECT_EQ(take(*neighbour_, {}).size(), 1u);
    EXPECT_FALSE(neighbour_->closed);
  }
  void expect_ended(Far& far, const Agreement& agreed, FatalError fes, std::uint32_t fei) {
    const auto answers = take(far, agreed);
    ASSERT_FALSE(answers.empty()) << "the host was told nothing";
    const Received& last = answers.back();
    ASSERT_EQ(last.type, PduType::c2h_term_req);
    EXPECT_EQ(name(static_cast<FatalError>(std::uint16_t{last.as<pdu::TermReq>().fes})), name(fes));
    EXPECT_EQ(last.as<pdu::TermReq>().fei, fei);
    EXPECT_LE(last.data.size(), pdu::kTermReqMaxData);
    EXPECT_FALSE(far.closed);
    // What comes now is read and means nothing.
    send(far, capsule(kCid, agreed));
    EXPECT_TRUE(far.to_far.empty());
    loops.advance(std::chrono::seconds(1));
    EXPECT_TRUE(far.closed);
    EXPECT_EQ(far.chunks_out, 0u);
    EXPECT_EQ(transport->connections(), 1u);
  }

  std::shared_ptr<Far> neighbour_;
  ScriptedQueue* neighbours_queue_ = nullptr;
};

// The common header of a PDU, spoiled.
struct HeaderCase {
  const char* what;
  void (*spoil)(pdu::CommonHeader&);
  FatalError fes;
  std::uint32_t fei;
};

constexpr HeaderCase kOfEveryType[] = {
    {"a type that is not defined", [](auto& ch) { ch.type = 0x08; }, FatalError::invalid_header_field,
     kTypeAt},
    {"the type after the last", [](auto& ch) { ch.type = 0x0A; }, FatalError::invalid_header_field, kTypeAt},
    {"type FFh", [](auto& ch) { ch.type = 0xFF; }, FatalError::invalid_header_field, kTypeAt},
    {"ICResp", [](auto& ch) { ch.type = 0x01; }, FatalError::invalid_header_field, kTypeAt},
    {"C2HTermReq", [](auto& ch) { ch.type = 0x03; }, FatalError::invalid_header_field, kTypeAt},
    {"CapsuleResp", [](auto& ch) { ch.type = 0x05; }, FatalError::invalid_header_field, kTypeAt},
    {"C2HData", [](auto& ch) { ch.type = 0x07; }, FatalError::invalid_header_field, kTypeAt},
    {"R2T", [](auto& ch) { ch.type = 0x09; }, FatalError::invalid_header_field, kTypeAt},
    {"HLEN 0", [](auto& ch) { ch.hlen = 0; }, FatalError::invalid_header_field, kHlenAt},
    {"HLEN too short", [](auto& ch) { --ch.hlen; }, FatalError::invalid_header_field, kHlenAt},
    {"HLEN too long", [](auto& ch) { ++ch.hlen; }, FatalError::invalid_header_field, kHlenAt},
    {"HLEN with the digest in it", [](auto& ch) { ch.hlen = static_cast<std::uint8_t>(ch.hlen + 4); },
     FatalError::invalid_header_field, kHlenAt},
    {"HLEN 255", [](auto& ch) { ch.hlen = 255; }, FatalError::invalid_header_field, kHlenAt},
    {"PLEN 0", [](auto& ch) { ch.plen = 0; }, FatalError::invalid_header_field, kPlenAt},
    {"PLEN of the common header", [](auto& ch) { ch.plen = 8; }, FatalError::invalid_header_field, kPlenAt},
    {"PLEN one short of the header", [](auto& ch) { ch.plen = ch.hlen - 1u; },
     FatalError::invalid_header_field, kPlenAt},
};

constexpr HeaderCase kOfCapsules[] = {
    {"a header digest that was not agreed", [](auto& ch) { ch.flags |= pdu::kHdgstf; },
     FatalError::invalid_header_field, kFlagsAt},
    {"a data digest that was not agreed", [](auto& ch) { ch.flags |= pdu::kDdgstf; },
     FatalError::invalid_header_field, kFlagsAt},
    {"PDO 0 with data", [](auto& ch) { ch.pdo = 0; }, FatalError::invalid_header_field, kPdoAt},
    {"PDO within the header", [](auto& ch) { ch.pdo = 68; }, FatalError::invalid_header_field, kPdoAt},
    {"PDO that is no multiple of 4", [](auto& ch) { ch.pdo = 74; }, FatalError::invalid_header_field, kPdoAt},
    {"PDO at the end of the PDU", [](auto& ch) { ch.pdo = 72 + 64; }, FatalError::invalid_header_field,
     kPlenAt},
    {"PDO beyond the PDU", [](auto& ch) { ch.pdo = 252; }, FatalError::invalid_header_field, kPlenAt},
    {"PLEN of one byte more than a capsule may carry", [](auto& ch) { ch.plen = 72 + 8193; },
     FatalError::invalid_header_field, kPlenAt},
    {"PLEN FFFFFFFFh", [](auto& ch) { ch.plen = 0xFFFFFFFF; }, FatalError::invalid_header_field, kPlenAt},
};

constexpr HeaderCase kOfData[] = {
    {"a header digest that was not agreed", [](auto& ch) { ch.flags |= pdu::kHdgstf; },
     FatalError::invalid_header_field, kFlagsAt},
    {"a data digest that was not agreed", [](auto& ch) { ch.flags |= pdu::kDdgstf; },
     FatalError::invalid_header_field, kFlagsAt},
    {"the last flag too early", [](auto& ch) { ch.flags |= pdu::kLastPdu; }, FatalError::invalid_header_field,
     kFlagsAt},
    {"no data at all", [](auto& ch) { ch.plen = 24; }, FatalError::invalid_header_field, kPlenAt},
    {"PDO within the header", [](auto& ch) { ch.pdo = 20; }, FatalError::invalid_header_field, kPdoAt},
    {"PDO that is no multiple of 4", [](auto& ch) { ch.pdo = 26; }, FatalError::invalid_header_field, kPdoAt},
    {"more than MAXH2CDATA", [](auto& ch) { ch.plen = 24 + kMaxH2cData + 1; }, FatalError::limit_exceeded, 0},
    {"PLEN FFFFFFFFh", [](auto& ch) { ch.plen = 0xFFFFFFFF; }, FatalError::limit_exceeded, 0},
};

pdu::CapsuleCmd spoilable_capsule() {
  return read_as<pdu::CapsuleCmd>(capsule(kCid, {}, pattern(64)));
}

TEST_F(TcpViolations, CommonHeaderOfICReq) {
  start_neighbour();
  for (const HeaderCase& each : kOfEveryType) {
    SCOPED_TRACE(each.what);
    auto far = open();
    auto request = pdu::make_ic_req({});
    each.spoil(request.ch);
    send(*far, raw_pdu(request));
    expect_ended(*far, {}, each.fes, each.fei);
    check_neighbour();
  }
  auto far = open();
  auto request = pdu::make_ic_req({});
  request.ch.plen = 129;
  send(*far, raw_pdu(request));
  expect_ended(*far, {}, FatalError::invalid_header_field, kPlenAt);
}

TEST_F(TcpViolations, CommonHeaderOfCapsuleCmd) {
  start_neighbour();
  const auto try_case = [this](const HeaderCase& each) {
    SCOPED_TRACE(each.what);
    auto far = open_queue();
    auto value = spoilable_capsule();
    each.spoil(value.ch);
    Bytes bytes = raw_pdu(value);
    append(bytes, pattern(64));
    send(*far, bytes);
    expect_ended(*far, {}, each.fes, each.fei);
    check_neighbour();
  };
  for (const HeaderCase& each : kOfEveryType) try_case(each);
  for (const HeaderCase& each : kOfCapsules) try_case(each);
}

TEST_F(TcpViolations, CommonHeaderOfH2CData) {
  start_neighbour();
  const auto try_case = [this](const HeaderCase& each) {
    SCOPED_TRACE(each.what);
    auto far = open_queue();
    send(*far, capsule(kCid, {}, {}, kTransfer));
    command(0).start_pull(kTransfer);
    loops.run_until_idle();
    auto value = read_as<pdu::H2cData>(
        h2c_data(kCid, take(*far, {}).at(0).as<pdu::R2t>().ttag, 0, pattern(kMaxH2cData), false, {}));
    each.spoil(value.ch);
    Bytes bytes = raw_pdu(value);
    append(bytes, pattern(kMaxH2cData));
    send(*far, bytes);
    expect_ended(*far, {}, each.fes, each.fei);
    EXPECT_TRUE(command(0).done);
    EXPECT_EQ(command(0).outcome, fabric::Pull::Outcome::lost);
    check_neighbour();
  };
  for (const HeaderCase& each : kOfEveryType) try_case(each);
  for (const HeaderCase& each : kOfData) try_case(each);
}

// With digests, HLEN and the flags decide where the digest is: they are checked before it.
TEST_F(TcpViolations, CommonHeaderWithDigests) {
  start_neighbour();
  const Agreement agreed{.hdgst = true, .ddgst = true};
  const HeaderCase cases[] = {
      {"HLEN too short", [](auto& ch) { --ch.hlen; }, FatalError::invalid_header_field, kHlenAt},
      {"HLEN too long", [](auto& ch) { ++ch.hlen; }, FatalError::invalid_header_field, kHlenAt},
      {"HLEN 128", [](auto& ch) { ch.hlen = 128; }, FatalError::invalid_header_field, kHlenAt},
      {"no header digest", [](auto& ch) { ch.flags = pdu::kDdgstf; }, FatalError::invalid_header_field,
       kFlagsAt},
      {"no data digest", [](auto& ch) { ch.flags = pdu::kHdgstf; }, FatalError::invalid_header_field,
       kFlagsAt},
      {"PDO within the digest", [](auto& ch) { ch.pdo = 72; }, FatalError::invalid_header_field, kPdoAt},
      {"PLEN without the digest", [](auto& ch) { ch.plen = 72; }, FatalError::invalid_header_field, kPlenAt},
      {"PLEN within the digest", [](auto& ch) { ch.plen = 75; }, FatalError::invalid_header_field, kPlenAt},
      {"no byte between the digests", [](auto& ch) { ch.plen = 80; }, FatalError::invalid_header_field,
       kPlenAt},
      {"too short for a data digest", [](auto& ch) { ch.plen = 78; }, FatalError::invalid_header_field,
       kPlenAt},
  };
  for (const HeaderCase& each : cases) {
    SCOPED_TRACE(each.what);
    auto far = open_queue(agreed);
    auto value = read_as<pdu::CapsuleCmd>(capsule(kCid, agreed, pattern(64)));
    each.spoil(value.ch);
    Bytes bytes = raw_pdu(value);
    append_digest(bytes, Digest::of(bytes));
    append(bytes, pattern(64));
    send(*far, bytes);
    expect_ended(*far, agreed, each.fes, each.fei);
    check_neighbour();
  }
}

TEST_F(TcpViolations, AWrongHeaderDigestOfEachType) {
  start_neighbour();
  const Agreement agreed{.hdgst = true, .ddgst = true};
  for (const bool data_pdu : {false, true}) {
    auto far = open_queue(agreed);
    Bytes bytes = capsule(kCid, agreed, pattern(64));
    std::size_t digest_at = sizeof(pdu::CapsuleCmd);
    if (data_pdu) {
      send(*far, capsule(kCid, agreed, {}, kTransfer));
      command(0).start_pull(kTransfer);
      loops.run_until_idle();
      bytes = h2c_data(kCid, take(*far, agreed).at(0).as<pdu::R2t>().ttag, 0, pattern(64), false, agreed);
      digest_at = sizeof(pdu::H2cData);
    }
    bytes[digest_at + 1] ^= std::byte{0x10};
    const std::uint32_t received = read_as<wire::le32>(std::span(bytes).subspan(digest_at));
    send(*far, bytes);
    expect_ended(*far, agreed, FatalError::header_digest_error, received);
    check_neighbour();
  }
  EXPECT_EQ(transport->counts().header_digest_errors, 2u);
}

// The fields of an H2CData PDU of a transfer of which `kMaxH2cData` bytes have come.
struct DataCase {
  const char* what;
  void (*spoil)(pdu::H2cData&);
  FatalError fes;
  std::uint32_t fei;
};

constexpr DataCase kDataCases[] = {
    {"another command", [](auto& p) { p.cccid = kCid + 1; }, FatalError::invalid_header_field, 8},
    {"CCCID FFFFh", [](auto& p) { p.cccid = 0xFFFF; }, FatalError::invalid_header_field, 8},
    {"an unknown tag", [](auto& p) { p.ttag = static_cast<std::uint16_t>(p.ttag + 1); },
     FatalError::invalid_header_field, 10},
    {"a tag of another generation", [](auto& p) { p.ttag = static_cast<std::uint16_t>(p.ttag ^ 0x1000); },
     FatalError::invalid_header_field, 10},
    {"tag FFFFh", [](auto& p) { p.ttag = 0xFFFF; }, FatalError::invalid_header_field, 10},
    {"data that came before", [](auto& p) { p.datao = 0; }, FatalError::data_transfer_out_of_range, 0},
    {"a gap", [](auto& p) { p.datao = p.datao + 4; }, FatalError::data_transfer_out_of_range, 0},
    {"one byte back", [](auto& p) { p.datao = p.datao - 1; }, FatalError::data_transfer_out_of_range, 0},
    {"an offset at the end", [](auto& p) { p.datao = kTransfer; }, FatalError::data_transfer_out_of_range, 0},
    {"an offset that overflows", [](auto& p) { p.datao = 0xFFFFFFFC; },
     FatalError::data_transfer_out_of_range, 0},
    {"DATAL 0", [](auto& p) { p.datal = 0; }, FatalError::invalid_header_field, 16},
    {"DATAL one short", [](auto& p) { p.datal = p.datal - 1; }, FatalError::invalid_header_field, 16},
    {"DATAL one more", [](auto& p) { p.datal = p.datal + 1; }, FatalError::invalid_header_field, 16},
    {"DATAL FFFFFFFFh", [](auto& p) { p.datal = 0xFFFFFFFF; }, FatalError::invalid_header_field, 16},
    {"no last flag at the end", [](auto& p) { p.ch.flags = 0; }, FatalError::invalid_header_field, kFlagsAt},
};

TEST_F(TcpViolations, FieldsOfH2CData) {
  start_neighbour();
  for (const DataCase& each : kDataCases) {
    SCOPED_TRACE(each.what);
    auto far = open_queue();
    send(*far, capsule(kCid, {}, {}, kTransfer));
    command(0).start_pull(kTransfer);
    loops.run_until_idle();
    const std::uint16_t tag = take(*far, {}).at(0).as<pdu::R2t>().ttag;
    send(*far, h2c_data(kCid, tag, 0, pattern(kMaxH2cData), false, {}));
    Bytes bytes = h2c_data(kCid, tag, kMaxH2cData, pattern(kMaxH2cData), true, {});
    auto value = read_as<pdu::H2cData>(bytes);
    each.spoil(value);
    std::ranges::copy(wire::bytes_of(value), bytes.begin());
    send(*far, bytes);
    expect_ended(*far, {}, each.fes, each.fei);
    EXPECT_EQ(command(0).outcome, fabric::Pull::Outcome::lost);
    check_neighbour();
  }
}

TEST_F(TcpViolations, MoreDataThanWasAskedFor) {
  start_neighbour();
  for (const std::uint32_t granted : {1u, 4u, 100u, kMaxH2cData - 1}) {
    auto far = open_queue();
    send(*far, capsule(kCid, {}, {}, granted));
    command(0).start_pull(granted);
    loops.run_until_idle();
    const std::uint16_t tag = take(*far, {}).at(0).as<pdu::R2t>().ttag;
    send(*far, h2c_data(kCid, tag, 0, pattern(granted + 1), true, {}));
    expect_ended(*far, {}, FatalError::data_transfer_out_of_range, 0);
    check_neighbour();
  }
}

TEST_F(TcpViolations, DataThatNobodyAskedFor) {
  start_neighbour();
  struct {
    const char* what;
    std::function<void(Far&)> before;
  } const cases[] = {
      {"before any command", [](Far&) {}},
      {"for a command that reads",
       [this](Far& far) {
         send(far, capsule(kCid, {}, {}, kTransfer));  // the queue pulls nothing
       }},
      {"for a command that was answered",
       [this](Far& far) {
         send(far, capsule(kCid, {}, {}, kTransfer));
         command(0).answer(wire::status::kInvalidField);
       }},
      {"after the end of the transfer",
       [this](Far& far) {
         send(far, capsule(kCid, {}, {}, 64));
         command(0).start_pull(64);
         loops.run_until_idle();
         send(far, h2c_data(kCid, take(far, {}).at(0).as<pdu::R2t>().ttag, 0, pattern(64), true, {}));
       }},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.what);
    auto far = open_queue();
    each.before(*far);
    send(*far, h2c_data(kCid, 0, 0, pattern(64), true, {}));
    expect_ended(*far, {}, FatalError::invalid_header_field, 10);
    check_neighbour();
  }
}

// Before Connect, an H2CData PDU is as wrong.
TEST_F(TcpViolations, DataBeforeConnect) {
  start_neighbour();
  auto far = open();
  send(*far, raw_pdu(pdu::make_ic_req({})));
  (void)take(*far, {});
  send(*far, h2c_data(kCid, 0, 0, pattern(64), true, {}));
  expect_ended(*far, {}, FatalError::invalid_header_field, 10);
  check_neighbour();
}

TEST_F(TcpViolations, H2CTermReqEndsTheConnectionAtOnce) {
  start_neighbour();
  for (const unsigned fes : {0u, 1u, 2u, 6u, 7u, 0xFFFFu}) {
    for (const unsigned repeated : {0u, 1u, 24u, 128u}) {
      for (const bool before : {false, true}) {  // ICReq
        auto far = before ? open() : open_queue();
        auto value = pdu::make_term_req(PduType::h2c_term_req, {static_cast<FatalError>(fes), 4}, repeated);
        Bytes bytes = raw_pdu(value);
        append(bytes, pattern(repeated));
        send(*far, bytes);
        EXPECT_TRUE(far->closed);
        EXPECT_TRUE(far->to_far.empty()) << "an answer to a termination";
        check_neighbour();
      }
    }
  }
  EXPECT_EQ(notes.lines.at(0), "the host ended the connection with H2CTermReq: Unknown (0x0)");
  EXPECT_EQ(transport->counts().fatal_errors, 0u);
}

TEST_F(TcpViolations, AnH2CTermReqMayRepeat128Bytes) {
  start_neighbour();
  for (const std::uint32_t plen : {153u, 0xFFFFFFFFu}) {
    auto far = open_queue();
    auto value = pdu::make_term_req(PduType::h2c_term_req, {}, 0);
    value.ch.plen = plen;
    send(*far, raw_pdu(value));
    expect_ended(*far, {}, FatalError::invalid_header_field, kPlenAt);
  }
}

// A command in flight at the target when the host breaks a rule: its answer goes nowhere and its memory is
// let go.
TEST_F(TcpViolations, WithCommandsInFlight) {
  start_neighbour();
  auto far = open_queue();
  for (std::uint16_t cid = 0; cid < 4; ++cid) put(*far, capsule(cid, {}, {}, 512));
  loops.run_until_idle();
  auto bad = h2c_data(9, 9, 0, pattern(4), true, {});
  command(0).start_pull(512);  // its R2T is on its way
  send(*far, bad);
  command(1).answer();
  command(2).answer_data(pattern(512));
  loops.run_until_idle();
  EXPECT_FALSE(command(0).done);
  EXPECT_FALSE(command(2).released);
  loops.advance(std::chrono::seconds(1));
  EXPECT_TRUE(far->closed);
  EXPECT_TRUE(command(0).done);
  EXPECT_TRUE(command(2).released);
  EXPECT_TRUE(queue().gone);
  const auto answers = take(*far, {});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].type, PduType::r2t);
  EXPECT_EQ(answers[1].type, PduType::c2h_term_req);
  check_neighbour();
}

}  // namespace
}  // namespace weft::tcp
