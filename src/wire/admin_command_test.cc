#include "wire/admin_command.h"

#include <gtest/gtest.h>

namespace weft::wire {
namespace {

TEST(AdminCommand, Identify) {
  Sqe sqe{};
  sqe.nsid = 5;
  sqe.cdw10 = 0x1234FF13;  // 15:8 reserved
  sqe.cdw11 = 0x02FF5678;  // 23:16 reserved
  sqe.cdw14 = 0xFFFFFF85;
  const Identify want{.nsid = Nsid(5),
                      .cns = 0x13,
                      .cntid = Cntlid(0x1234),
                      .cns_specific = 0x5678,
                      .csi = 2,
                      .uuid_index = 5};
  EXPECT_EQ(*parse_identify(sqe), want);
  EXPECT_EQ(*parse_identify(make_identify(want)), want);
  EXPECT_EQ(make_identify(want).opcode, 6);
}

TEST(AdminCommand, GetLogPageLength) {
  const struct {
    std::uint32_t numdl;
    std::uint32_t numdu;
    std::uint64_t bytes;
  } rows[] = {
      {0, 0, 4}, {1023, 0, 4096}, {0xFFFF, 0, 0x40000}, {0, 1, 0x40004}, {0xFFFF, 0xFFFF, 0x400000000}};
  for (const auto& row : rows) {
    Sqe sqe{};
    sqe.cdw10 = row.numdl << 16 | 2;
    sqe.cdw11 = row.numdu;
    EXPECT_EQ(parse_get_log_page(sqe)->length, row.bytes);
  }
}

TEST(AdminCommand, GetLogPageOffset) {
  const struct {
    std::uint64_t offset;
    bool index;
    bool valid;
  } rows[] = {{0, false, true},
              {4, false, true},
              {1, false, false},
              {2, false, false},
              {3, false, false},
              {0xFFFFFFFFFFFFFFFC, false, true},
              {0x100000001, false, false},
              {1, true, true}};
  for (const auto& row : rows) {
    Sqe sqe{};
    sqe.cdw12 = static_cast<std::uint32_t>(row.offset);
    sqe.cdw13 = static_cast<std::uint32_t>(row.offset >> 32);
    sqe.cdw14 = row.index ? 1u << 23 : 0;
    const auto got = parse_get_log_page(sqe);
    ASSERT_EQ(got.has_value(), row.valid) << row.offset;
    if (got) {
      EXPECT_EQ(got->offset, row.offset);
      EXPECT_EQ(got->offset_is_index, row.index);
    } else {
      EXPECT_EQ(got.error(), (CommandError{status::kInvalidField.with_dnr(), 48, 0}));
    }
  }
}

TEST(AdminCommand, GetLogPageRoundTrip) {
  const GetLogPage want{.nsid = kAllNamespaces,
                        .lid = 0x70,
                        .lsp = 0x7F,
                        .rae = true,
                        .length = 0x123456788,
                        .offset = 0xFEDCBA9876543210,
                        .lsi = 0xABCD,
                        .csi = 2,
                        .uuid_index = 9};
  EXPECT_EQ(*parse_get_log_page(make_get_log_page(want)), want);
  EXPECT_EQ(make_get_log_page(want).opcode, 2);
}

TEST(AdminCommand, GetFeatures) {
  for (unsigned select = 0; select < 8; ++select) {
    Sqe sqe{};
    sqe.cdw10 = select << 8 | 7;
    const auto got = parse_get_features(sqe);
    ASSERT_EQ(got.has_value(), select <= 3) << select;
    if (got) {
      EXPECT_EQ(static_cast<unsigned>(got->select), select);
    } else {
      EXPECT_EQ(got.error(), (CommandError{status::kInvalidField.with_dnr(), 41, 0}));
    }
  }
  const GetFeatures want{
      .nsid = Nsid(3), .fid = 4, .select = FeatureSelect::saved, .cdw11 = 0x10000, .uuid_index = 1};
  EXPECT_EQ(*parse_get_features(make_get_features(want)), want);
  EXPECT_EQ((FeatureCapabilities{.saveable = true, .changeable = true}.encode()), 5u);
  EXPECT_EQ((FeatureCapabilities{.namespace_specific = true}.encode()), 2u);
}

TEST(AdminCommand, SetFeatures) {
  const SetFeatures want{.nsid = Nsid(3),
                         .fid = 0x81,
                         .save = true,
                         .cdw11 = 1,
                         .cdw12 = 2,
                         .cdw13 = 3,
                         .cdw15 = 4,
                         .uuid_index = 5};
  const Sqe sqe = make_set_features(want);
  EXPECT_EQ(sqe.cdw10, 0x80000081u);
  EXPECT_EQ(*parse_set_features(sqe), want);
}

TEST(AdminCommand, Abort) {
  Sqe sqe{};
  sqe.cdw10 = 0xABCD0002;
  EXPECT_EQ(*parse_abort(sqe), (Abort{.sqid = Qid(2), .cid = Cid(0xABCD)}));
  EXPECT_EQ(make_abort({.sqid = Qid(2), .cid = Cid(0xABCD)}).cdw10, 0xABCD0002u);
}

TEST(AdminCommand, CommandsWithoutFields) {
  EXPECT_EQ(make_async_event_request().opcode, 0x0C);
  EXPECT_EQ(make_keep_alive().opcode, 0x18);
}

TEST(AdminCommand, AsyncEventDword) {
  EXPECT_EQ(kNamespaceChangedEvent.encode(), 0x00040002u);
  EXPECT_EQ(kAnaChangeEvent.encode(), 0x000C0302u);
  EXPECT_EQ(kDiscoveryChangeEvent.encode(), 0x0070F002u);
  EXPECT_EQ(AsyncEvent::decode(0x0070F002), kDiscoveryChangeEvent);
}

}  // namespace
}  // namespace weft::wire
