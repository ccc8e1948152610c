#include "wire/sgl.h"

#include <gtest/gtest.h>

namespace weft::wire {
namespace {

Sqe with(std::uint8_t flags, std::uint8_t type, std::uint64_t address, std::uint32_t length) {
  Sqe sqe{};
  sqe.flags = flags;
  sqe.dptr = {.address = address, .length = length, .reserved = {}, .type = type};
  return sqe;
}

constexpr std::uint8_t kPsdtSgl = 0x40;

TEST(DataPointer, Accepted) {
  using Kind = DataPointer::Kind;
  const struct {
    const char* what;
    Sqe sqe;
    DataPointer want;
  } rows[] = {
      {"no data, as Linux sends it", with(kPsdtSgl, 0x5A, 0, 0), {}},
      {"transport", with(kPsdtSgl, 0x5A, 0, 4096), {.kind = Kind::transport, .length = 4096}},
      {"the longest", with(kPsdtSgl, 0x5A, 0, 0xFFFFFFFF), {.kind = Kind::transport, .length = 0xFFFFFFFF}},
      {"an address means nothing", with(kPsdtSgl, 0x5A, 77, 1), {.kind = Kind::transport, .length = 1}},
      {"in capsule", with(kPsdtSgl, 0x01, 0, 512), {.kind = Kind::in_capsule, .length = 512}},
      {"in capsule, offset",
       with(kPsdtSgl, 0x01, 8, 4),
       {.kind = Kind::in_capsule, .length = 4, .offset = 8}},
      {"in capsule, empty", with(kPsdtSgl, 0x01, 8, 0), {}},
      {"fused bits do not matter here",
       with(kPsdtSgl | 1, 0x5A, 0, 4),
       {.kind = Kind::transport, .length = 4}},
  };
  for (const auto& row : rows) {
    const auto got = parse_data_pointer(row.sqe, SglSupport::transport);
    ASSERT_TRUE(got.has_value()) << row.what;
    EXPECT_EQ(*got, row.want) << row.what;
  }
}

TEST(DataPointer, RefusedPsdt) {
  for (const unsigned flags : {0x00u, 0x80u, 0xC0u}) {
    const auto got =
        parse_data_pointer(with(static_cast<std::uint8_t>(flags), 0x5A, 0, 0), SglSupport::transport);
    ASSERT_FALSE(got.has_value()) << flags;
    EXPECT_EQ(got.error(), (CommandError{status::kInvalidField.with_dnr(), 1, 6}));
  }
}

TEST(DataPointer, EveryOtherDescriptorTypeIsRefused) {
  for (unsigned type = 0; type < 256; ++type) {
    const auto sqe = with(kPsdtSgl, static_cast<std::uint8_t>(type), 0, 4096);
    const bool capsule = type == 0x01;
    const auto tcp = parse_data_pointer(sqe, SglSupport::transport);
    const auto rdma = parse_data_pointer(sqe, SglSupport::keyed);
    EXPECT_EQ(tcp.has_value(), capsule || type == 0x5A) << type;
    EXPECT_EQ(rdma.has_value(), capsule || type == 0x40 || type == 0x4F) << type;
    if (!tcp) {
      EXPECT_EQ(tcp.error(), (CommandError{status::kSglDescriptorTypeInvalid.with_dnr(), 39, 0}));
    }
  }
}

TEST(DataPointer, Keyed) {
  Sqe sqe = with(kPsdtSgl, 0x4F, 0x1122334455667788, 0x44'001000);
  sqe.dptr.reserved[0] = 0x33;
  sqe.dptr.reserved[1] = 0x22;
  sqe.dptr.reserved[2] = 0x11;
  const auto got = parse_data_pointer(sqe, SglSupport::keyed);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(*got, (DataPointer{.kind = DataPointer::Kind::keyed,
                               .length = 4096,
                               .address = 0x1122334455667788,
                               .key = 0x11223344,
                               .invalidate_key = true}));
}

TEST(DataPointer, InCapsuleBounds) {
  const struct {
    std::uint64_t offset;
    std::uint32_t length;
    std::uint32_t capsule;
    Status want;
    std::uint16_t byte;
  } rows[] = {
      {0, 4096, 4096, status::kSuccess, 0},
      {4092, 4, 4096, status::kSuccess, 0},
      {0, 4097, 4096, status::kDataSglLengthInvalid, 32},
      {4093, 4, 4096, status::kDataSglLengthInvalid, 32},
      {4096, 1, 4096, status::kDataSglLengthInvalid, 32},
      {4097, 1, 4096, status::kSglOffsetInvalid, 24},
      {0xFFFFFFFFFFFFFFFF, 1, 4096, status::kSglOffsetInvalid, 24},
      {0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, status::kSglOffsetInvalid, 24},
      {0, 1, 0, status::kDataSglLengthInvalid, 32},
  };
  for (const auto& row : rows) {
    const DataPointer pointer{
        .kind = DataPointer::Kind::in_capsule, .length = row.length, .offset = row.offset};
    const auto got = check_in_capsule(pointer, row.capsule);
    if (row.want.ok()) {
      EXPECT_TRUE(got.has_value()) << row.offset;
    } else {
      ASSERT_FALSE(got.has_value()) << row.offset;
      EXPECT_EQ(got.error(), (CommandError{row.want.with_dnr(), row.byte, 0})) << row.offset;
    }
  }
  EXPECT_TRUE(check_in_capsule({.kind = DataPointer::Kind::transport, .length = 9}, 0).has_value());
}

TEST(DataPointer, WhatAHostWritesIsRead) {
  Sqe sqe{};
  sqe.flags = 0x81;
  set_in_capsule(sqe, 100);
  EXPECT_EQ(sqe.flags, 0x41);
  EXPECT_EQ(parse_data_pointer(sqe, SglSupport::transport),
            Parsed<DataPointer>(DataPointer{.kind = DataPointer::Kind::in_capsule, .length = 100}));
  set_transport(sqe, 200);
  EXPECT_EQ(parse_data_pointer(sqe, SglSupport::transport),
            Parsed<DataPointer>(DataPointer{.kind = DataPointer::Kind::transport, .length = 200}));
}

}  // namespace
}  // namespace weft::wire
