#include "wire/tcp_pdu.h"

#include <gtest/gtest.h>

#include <optional>

namespace weft::wire::tcp {
namespace {

constexpr auto kHost = Direction::host_to_controller;
constexpr auto kController = Direction::controller_to_host;
constexpr Negotiated kPlain{};
constexpr Negotiated kHdgst{.hdgst = true};
constexpr Negotiated kDdgst{.ddgst = true};
constexpr Negotiated kBoth{.hdgst = true, .ddgst = true};

CommonHeader header(unsigned type, unsigned flags, unsigned hlen, unsigned pdo, std::uint32_t plen) {
  return {.type = static_cast<std::uint8_t>(type),
          .flags = static_cast<std::uint8_t>(flags),
          .hlen = static_cast<std::uint8_t>(hlen),
          .pdo = static_cast<std::uint8_t>(pdo),
          .plen = plen};
}

constexpr Violation bad_field(std::uint32_t offset) {
  return {FatalError::invalid_header_field, offset};
}

struct Row {
  const char* what;
  CommonHeader header;
  Negotiated negotiated;
  std::optional<Violation> want;  // empty: accepted
  std::uint32_t data_offset = 0;
  std::uint32_t data_size = 0;
};

void expect(const Row& row, Direction direction) {
  const auto got = check_header(row.header, row.negotiated, direction);
  ASSERT_EQ(got.has_value(), !row.want.has_value()) << row.what;
  if (row.want) {
    EXPECT_EQ(got.error(), *row.want) << row.what;
    return;
  }
  EXPECT_EQ(got->header_size, row.header.hlen) << row.what;
  EXPECT_EQ(got->size, row.header.plen) << row.what;
  EXPECT_EQ(got->data_offset, row.data_offset) << row.what;
  EXPECT_EQ(got->data_size, row.data_size) << row.what;
}

TEST(TcpHeader, FromTheHost) {
  const Negotiated small{.max_in_capsule = 512, .max_data = 4096};
  const Negotiated aligned{.pda = 15};  // 64 bytes
  const Row rows[] = {
      {"ICReq", header(0, 0, 128, 0, 128), kPlain, {}},
      {"ICReq without its digest although negotiated", header(0, 0, 128, 0, 128), kBoth, {}},
      {"ICReq, reserved flags and PDO", header(0, 0xFF, 128, 9, 128), kPlain, {}},
      {"ICReq, short header", header(0, 0, 127, 0, 128), kPlain, bad_field(2)},
      {"ICReq, short", header(0, 0, 128, 0, 127), kPlain, bad_field(4)},
      {"ICReq, long", header(0, 0, 128, 0, 129), kPlain, bad_field(4)},
      {"TermReq, bare", header(2, 0, 24, 0, 24), kBoth, {}},
      {"TermReq, most data", header(2, 0, 24, 0, 152), kBoth, {}, 24, 128},
      {"TermReq, too much data", header(2, 0, 24, 0, 153), kPlain, bad_field(4)},
      {"capsule, no data", header(4, 0, 72, 0, 72), kPlain, {}},
      {"capsule, no data, PDO means nothing", header(4, 0, 72, 200, 72), kPlain, {}},
      {"capsule, no data, data digest negotiated", header(4, kDdgstf, 72, 0, 72), kDdgst, {}},
      {"capsule, data", header(4, 0, 72, 72, 584), kPlain, {}, 72, 512},
      {"capsule, one byte", header(4, 0, 72, 72, 73), kPlain, {}, 72, 1},
      {"capsule, digests", header(4, 3, 72, 76, 76 + 512 + 4), kBoth, {}, 76, 512},
      {"capsule, header digest alone", header(4, 1, 72, 76, 77), kHdgst, {}, 76, 1},
      {"capsule, data digest alone", header(4, 2, 72, 72, 72 + 8 + 4), kDdgst, {}, 72, 8},
      {"capsule, padded", header(4, 0, 72, 128, 140), aligned, {}, 128, 12},
      {"capsule, not padded", header(4, 0, 72, 72, 140), aligned, bad_field(3)},
      {"capsule, PDO not of dwords", header(4, 0, 72, 74, 140), kPlain, bad_field(3)},
      {"capsule, PDO in the header", header(4, 0, 72, 68, 140), kPlain, bad_field(3)},
      {"capsule, PDO in the digest", header(4, 1, 72, 72, 140), kHdgst, bad_field(3)},
      {"capsule, PDO missing", header(4, 0, 72, 0, 140), kPlain, bad_field(3)},
      {"capsule, PDO at the end", header(4, 0, 72, 140, 140), kPlain, bad_field(4)},
      {"capsule, PDO past the end", header(4, 0, 72, 252, 140), kPlain, bad_field(4)},
      {"capsule, digest but no data", header(4, 2, 72, 72, 76), kDdgst, bad_field(4)},
      {"capsule, most data", header(4, 0, 72, 72, 72 + 512), small, {}, 72, 512},
      {"capsule, too much data", header(4, 0, 72, 72, 72 + 513), small, bad_field(4)},
      {"capsule, endless", header(4, 0, 72, 72, 0xFFFFFFFF), kPlain, bad_field(4)},
      {"capsule, PLEN 0", header(4, 0, 72, 0, 0), kPlain, bad_field(4)},
      {"capsule, PLEN cuts the header", header(4, 0, 72, 0, 71), kPlain, bad_field(4)},
      {"capsule, PLEN cuts the digest", header(4, 1, 72, 0, 75), kHdgst, bad_field(4)},
      {"capsule, header too short with digest", header(4, 1, 24, 0, 76), kHdgst, bad_field(2)},
      {"capsule, header too long with digest", header(4, 1, 255, 0, 259), kHdgst, bad_field(2)},
      {"capsule, header digest missing", header(4, 0, 72, 0, 72), kHdgst, bad_field(1)},
      {"capsule, header digest not negotiated", header(4, 1, 72, 0, 76), kPlain, bad_field(1)},
      {"capsule, data digest missing", header(4, 0, 72, 72, 140), kDdgst, bad_field(1)},
      {"capsule, data digest not negotiated", header(4, 2, 72, 72, 140), kPlain, bad_field(1)},
      {"capsule, data digest not negotiated, no data", header(4, 2, 72, 0, 72), kPlain, bad_field(1)},
      {"H2CData", header(6, kLastPdu, 24, 24, 24 + 4096), small, {}, 24, 4096},
      {"H2CData, both digests", header(6, 7, 24, 28, 28 + 4 + 4), kBoth, {}, 28, 4},
      {"H2CData, none", header(6, 0, 24, 24, 24), kPlain, bad_field(4)},
      {"H2CData, none, digest", header(6, 3, 24, 28, 32), kBoth, bad_field(4)},
      {"H2CData, above MAXH2CDATA", header(6, 0, 24, 24, 24 + 4097), small,
       Violation{FatalError::limit_exceeded, 0}},
      {"H2CData, endless", header(6, 0, 24, 24, 0xFFFFFFFF), kPlain, {}, 24, 0xFFFFFFFF - 24},
      {"unknown type", header(8, 0, 24, 0, 24), kPlain, bad_field(0)},
      {"unknown type", header(0xFF, 0xFF, 0xFF, 0xFF, 0xFFFFFFFF), kPlain, bad_field(0)},
      {"the controller's type", header(1, 0, 128, 0, 128), kPlain, bad_field(0)},
      {"the controller's type", header(9, 0, 24, 0, 24), kPlain, bad_field(0)},
  };
  for (const auto& row : rows) expect(row, kHost);
}

TEST(TcpHeader, FromTheController) {
  const Row rows[] = {
      {"ICResp", header(1, 0, 128, 0, 128), kPlain, {}},
      {"TermReq", header(3, 0, 24, 0, 48), kPlain, {}, 24, 24},
      {"CapsuleResp", header(5, 0, 24, 0, 24), kPlain, {}},
      {"CapsuleResp, digest", header(5, 1, 24, 0, 28), kBoth, {}},
      {"CapsuleResp, data", header(5, 0, 24, 24, 28), kPlain, bad_field(4)},
      {"R2T", header(9, 1, 24, 0, 28), kBoth, {}},
      {"R2T, data", header(9, 1, 24, 28, 32), kBoth, bad_field(4)},
      {"C2HData, success", header(7, kLastPdu | kSuccess, 24, 24, 28), kPlain, {}, 24, 4},
      {"the host's type", header(4, 0, 72, 0, 72), kPlain, bad_field(0)},
  };
  for (const auto& row : rows) expect(row, kController);
}

TEST(TcpHeader, OnlyTheRightHeaderLengthPasses) {
  for (unsigned type = 0; type < 16; ++type) {
    const std::uint8_t right = header_size(static_cast<PduType>(type));
    EXPECT_EQ(right == 0, type == 8 || type > 9) << type;
    for (unsigned hlen = 0; hlen < 256; ++hlen) {
      if (hlen == right) continue;
      EXPECT_FALSE(check_header(header(type, 0, hlen, 0, hlen), kPlain, kHost).has_value());
      EXPECT_FALSE(check_header(header(type, 0, hlen, 0, hlen), kPlain, kController).has_value());
    }
  }
}

TEST(TcpHeader, WhatIsMadeIsAccepted) {
  for (const PduType type : {PduType::capsule_cmd, PduType::h2c_data, PduType::c2h_data})
    for (const bool hdgst : {false, true})
      for (const bool ddgst : {false, true})
        for (unsigned pda = 0; pda <= kMaxPda; ++pda)
          for (const std::uint32_t size : {1u, 4u, 511u, 8192u}) {
            const auto alignment = static_cast<std::uint8_t>(pda);
            const auto made = make_header(type, kLastPdu, hdgst, ddgst, alignment, size);
            const auto got = check_header(made, {.hdgst = hdgst, .ddgst = ddgst, .pda = alignment},
                                          type == PduType::c2h_data ? kController : kHost);
            ASSERT_TRUE(got.has_value()) << pda;
            ASSERT_EQ(got->data_size, size);
            ASSERT_EQ(got->data_offset % ((pda + 1) * 4), 0u);
            ASSERT_EQ(got->hdgst_size, hdgst ? 4 : 0);
            ASSERT_EQ(got->ddgst_size, ddgst ? 4 : 0);
          }
  const auto bare = make_header(PduType::capsule_resp, 0, true, true, 0, 0);
  EXPECT_EQ(bare.plen, 28u);
  EXPECT_EQ(bare.flags, kHdgstf);
  EXPECT_EQ(bare.pdo, 0);
}

TEST(TcpInit, Request) {
  const InitRequest want{.hpda = 31, .maxr2t = 0x100000000, .hdgst = true};
  IcReq pdu = make_ic_req(want);
  EXPECT_TRUE(check_header(pdu.ch, kPlain, kHost).has_value());
  EXPECT_EQ(parse_ic_req(pdu), (std::expected<InitRequest, Violation>(want)));
  pdu.maxr2t = 0;
  EXPECT_EQ(parse_ic_req(pdu)->maxr2t, 1u);
  pdu.dgst = 0xFE;  // bits that are reserved say nothing
  EXPECT_FALSE(parse_ic_req(pdu)->hdgst);
  EXPECT_TRUE(parse_ic_req(pdu)->ddgst);
  pdu.hpda = 32;
  EXPECT_EQ(parse_ic_req(pdu).error(), bad_field(10));
  pdu.pfv = 1;
  EXPECT_EQ(parse_ic_req(pdu).error(), (Violation{FatalError::unsupported_parameter, 8}));
}

TEST(TcpInit, Response) {
  const InitResponse want{.cpda = 3, .maxh2cdata = 131072, .ddgst = true};
  IcResp pdu = make_ic_resp(want);
  EXPECT_TRUE(check_header(pdu.ch, kPlain, kController).has_value());
  EXPECT_EQ(parse_ic_resp(pdu), (std::expected<InitResponse, Violation>(want)));
  for (const std::uint32_t bad : {0u, 4092u, 4097u, 4098u, 0xFFFFFFFFu}) {
    pdu.maxh2cdata = bad;
    EXPECT_EQ(parse_ic_resp(pdu).error(), bad_field(12)) << bad;
  }
  pdu.cpda = 32;
  EXPECT_EQ(parse_ic_resp(pdu).error(), bad_field(10));
  pdu.pfv = 0x100;
  EXPECT_EQ(parse_ic_resp(pdu).error(), (Violation{FatalError::unsupported_parameter, 8}));
}

TEST(TcpData, LengthMustBeWhatThePduCarries) {
  H2cData pdu{};
  pdu.ch = make_header(PduType::h2c_data, 0, false, false, 0, 4096);
  const auto shape = check_header(pdu.ch, kPlain, kHost);
  ASSERT_TRUE(shape.has_value());
  pdu.datal = 4096;
  EXPECT_TRUE(check_data(pdu, *shape).has_value());
  for (const std::uint32_t bad : {0u, 4095u, 4097u, 0xFFFFFFFFu}) {
    pdu.datal = bad;
    EXPECT_EQ(check_data(pdu, *shape).error(), bad_field(16)) << bad;
  }
  C2hData answer{};
  answer.datal = 1;
  EXPECT_EQ(check_data(answer, *shape).error(), bad_field(16));
}

TEST(TcpTermReq, Build) {
  const TermReq pdu = make_term_req(PduType::c2h_term_req, {FatalError::header_digest_error, 0xDEADBEEF}, 72);
  EXPECT_EQ(pdu.fes, 3);
  EXPECT_EQ(pdu.fei, 0xDEADBEEFu);
  const auto shape = check_header(pdu.ch, kBoth, kController);
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->data_size, 72u);
}

TEST(TcpNames, OfTypesAndErrors) {
  EXPECT_EQ(name(PduType::r2t), "R2T");
  EXPECT_EQ(name(static_cast<PduType>(8)), "Unknown");
  EXPECT_EQ(name(FatalError::pdu_sequence_error), "PDU Sequence Error");
  EXPECT_EQ(name(static_cast<FatalError>(0)), "Unknown");
}

}  // namespace
}  // namespace weft::wire::tcp
