#include "raw_host/pdu.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string_view>

#include "raw_host/crc32c.h"
#include "raw_host/pdu_log.h"

namespace weft::raw_host {
namespace {

namespace tcp = wire::tcp;
using tcp::PduType;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c({}), 0u);
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE3069283u);
  EXPECT_EQ(crc32c(Bytes(32, std::byte{0x00})), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(Bytes(32, std::byte{0xFF})), 0x62A8AB43u);
}

// What this host writes is what the other parser reads.
TEST(Draft, LiesOnTheWireAsTheSpecificationSays) {
  struct Case {
    Format format;
    std::size_t data;
    std::size_t size;
    std::uint32_t offset;
  };
  const Case cases[] = {
      {{}, 0, 72, 0},
      {{}, 512, 584, 72},
      {{.hdgst = true}, 0, 76, 0},
      {{.ddgst = true}, 0, 72, 0},
      {{.ddgst = true}, 512, 588, 72},
      {{.hdgst = true, .ddgst = true}, 512, 592, 76},
      {{.pda = 31}, 512, 640, 128},
      {{.hdgst = true, .ddgst = true, .pda = 15}, 512, 644, 128},
      {{.hdgst = true, .ddgst = true, .pda = 31}, 0, 76, 0},
  };
  for (const Case& c : cases) {
    const Draft pdu = draft(PduType::capsule_cmd, tcp::CapsuleCmd{}, Bytes(c.data, std::byte{7}), c.format);
    const Bytes bytes = pdu.bytes();
    EXPECT_EQ(bytes.size(), c.size);
    const auto shape =
        tcp::check_header(*wire::load<tcp::CommonHeader>(bytes),
                          {.hdgst = c.format.hdgst, .ddgst = c.format.ddgst, .pda = c.format.pda},
                          tcp::Direction::host_to_controller);
    ASSERT_TRUE(shape.has_value());
    EXPECT_EQ(shape->size, c.size);
    EXPECT_EQ(shape->data_offset, c.offset);
    EXPECT_EQ(shape->data_size, c.data);
  }
}

TEST(Draft, DigestsCoverWhatIsSentAndMayBeSpoiled) {
  Draft pdu =
      draft(PduType::h2c_data, tcp::H2cData{}, Bytes(8, std::byte{1}), {.hdgst = true, .ddgst = true});
  pdu.edit<tcp::H2cData>([](tcp::H2cData& header) { header.ttag = 9; });
  const auto digest = [](const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint32_t>(*wire::load<wire::le32>(std::span(bytes).subspan(at)));
  };
  Bytes bytes = pdu.bytes();
  ASSERT_EQ(bytes.size(), 24u + 4 + 8 + 4);
  EXPECT_EQ(digest(bytes, 24), crc32c(std::span(bytes).first(24)));
  EXPECT_EQ(digest(bytes, 36), crc32c(std::span(bytes).subspan(28, 8)));
  EXPECT_EQ(wire::load<tcp::H2cData>(bytes)->ttag, 9);
  pdu.spoil_hdgst = 1;
  pdu.spoil_ddgst = 0x80000000;
  EXPECT_EQ(digest(pdu.bytes(), 24), digest(bytes, 24) ^ 1);
  EXPECT_EQ(digest(pdu.bytes(), 36), digest(bytes, 36) ^ 0x80000000);
}

tcp::CommonHeader header(PduType type, std::uint8_t flags, std::uint8_t hlen, std::uint8_t pdo,
                         std::uint32_t plen) {
  return {.type = static_cast<std::uint8_t>(type), .flags = flags, .hlen = hlen, .pdo = pdo, .plen = plen};
}

TEST(Layout, OfWhatAControllerMaySend) {
  const Layout response = layout_of(header(PduType::capsule_resp, tcp::kHdgstf, 24, 0, 28), {.hdgst = true});
  EXPECT_EQ(response.hdgst, 4u);
  EXPECT_EQ(response.data, 0u);
  const Layout data =
      layout_of(header(PduType::c2h_data, tcp::kHdgstf | tcp::kDdgstf | tcp::kLastPdu, 24, 64, 580),
                {.hdgst = true, .ddgst = true, .pda = 15});
  EXPECT_EQ(data.padding, 36u);
  EXPECT_EQ(data.data, 512u);
  EXPECT_EQ(data.ddgst, 4u);
  EXPECT_EQ(layout_of(header(PduType::c2h_term_req, 0, 24, 0, 24 + 128), {.hdgst = true}).data, 128u);
  EXPECT_EQ(layout_of(header(PduType::ic_resp, 0, 128, 0, 128), {}).header, 128u);
}

TEST(Layout, RefusesWhatAHostMustNotAccept) {
  struct Case {
    const char* what;
    tcp::CommonHeader common;
    Format format;
  };
  const Case cases[] = {
      {"a host's type", header(PduType::capsule_cmd, 0, 72, 0, 72), {}},
      {"no type at all", header(static_cast<PduType>(0x08), 0, 24, 0, 24), {}},
      {"HLEN", header(PduType::r2t, 0, 23, 0, 24), {}},
      {"digest not agreed on", header(PduType::r2t, tcp::kHdgstf, 24, 0, 28), {}},
      {"digest missing", header(PduType::r2t, 0, 24, 0, 24), {.hdgst = true}},
      {"digest on C2HTermReq", header(PduType::c2h_term_req, tcp::kHdgstf, 24, 0, 28), {.hdgst = true}},
      {"data digest without data", header(PduType::r2t, tcp::kDdgstf, 24, 0, 28), {.ddgst = true}},
      {"data digest missing", header(PduType::c2h_data, 0, 24, 24, 28), {.ddgst = true}},
      {"PDO inside the header", header(PduType::c2h_data, 0, 24, 20, 60), {}},
      {"PDO inside the digest", header(PduType::c2h_data, tcp::kHdgstf, 24, 24, 60), {.hdgst = true}},
      {"PDO unaligned", header(PduType::c2h_data, 0, 24, 60, 100), {.pda = 15}},
      {"PDO where it is reserved", header(PduType::capsule_resp, 0, 24, 24, 24), {}},
      {"PLEN below the header", header(PduType::capsule_resp, 0, 24, 0, 23), {}},
      {"data on a response", header(PduType::capsule_resp, 0, 24, 0, 28), {}},
      {"C2HData without data", header(PduType::c2h_data, 0, 24, 24, 24), {}},
      {"too much repeated", header(PduType::c2h_term_req, 0, 24, 0, 24 + 129), {}},
  };
  for (const Case& c : cases) EXPECT_THROW(layout_of(c.common, c.format), Failure) << c.what;
}

TEST(PduLog, IsALineForEachPdu) {
  PduLog log;
  const std::size_t number = log.add_connection(50123);
  tcp::CapsuleCmd connect{};
  connect.sqe = {.opcode = 0x7F, .nsid = 1};
  connect.sqe.cid = 258;
  log.add(describe(number, Way::sent, draft(PduType::capsule_cmd, connect, {}, {}).header));
  tcp::CapsuleResp response{};
  response.cqe.cid = 258;
  response.cqe.status = wire::status::kInvalidField.with_dnr().encode();
  log.add(describe(number, Way::received, draft(PduType::capsule_resp, response, {}, {}).header));
  tcp::R2t r2t{};
  r2t.cccid = 3;
  log.add(describe(number, Way::received, draft(PduType::r2t, r2t, {}, {}).header));
  log.add(describe(number, Way::sent, Bytes(5)));  // cut short
  std::ostringstream out;
  log.write(out);
  EXPECT_EQ(out.str(),
            R"({"connection":0,"local_port":50123,"way":"sent","type":4,"name":"CapsuleCmd","plen":72,)"
            R"("cid":258,"opcode":127,"fctype":1})"
            "\n"
            R"({"connection":0,"local_port":50123,"way":"received","type":5,"name":"CapsuleResp","plen":24,)"
            R"("cid":258,"status":16386})"
            "\n"
            R"({"connection":0,"local_port":50123,"way":"received","type":9,"name":"R2T","plen":24,"cid":3})"
            "\n"
            R"({"connection":0,"local_port":50123,"way":"sent","type":0,"name":"ICReq","plen":0})"
            "\n");
  EXPECT_EQ(log.count(Way::received, PduType::r2t), 1u);
  EXPECT_EQ(log.count(Way::sent, PduType::r2t), 0u);
}

}  // namespace
}  // namespace weft::raw_host
