#include "wire/io_command.h"

#include <gtest/gtest.h>

#include "wire/opcodes.h"

namespace weft::wire {
namespace {

constexpr Protection kAllProtection{.pract = true,
                                    .check_guard = true,
                                    .check_app_tag = true,
                                    .check_ref_tag = true,
                                    .check_storage_tag = true,
                                    .ref_tag = 0xAABBCCDD,
                                    .app_tag = 0x1234,
                                    .app_tag_mask = 0xFF00};

Sqe ranged(std::uint64_t slba, std::uint32_t cdw12) {
  Sqe sqe{};
  sqe.nsid = 1;
  sqe.cdw10 = static_cast<std::uint32_t>(slba);
  sqe.cdw11 = static_cast<std::uint32_t>(slba >> 32);
  sqe.cdw12 = cdw12;
  return sqe;
}

TEST(IoCommand, CountsBecomeOneBased) {
  const struct {
    std::uint32_t nlb;
    std::uint32_t blocks;
  } rows[] = {{0, 1}, {1, 2}, {0xFFFE, 0xFFFF}, {0xFFFF, 0x10000}};
  for (const auto& row : rows) {
    const Sqe sqe = ranged(0x100000000, row.nlb);
    const LbaRange want{.slba = 0x100000000, .blocks = row.blocks};
    EXPECT_EQ(parse_read(sqe)->range, want);
    EXPECT_EQ(parse_write(sqe)->range, want);
    EXPECT_EQ(parse_compare(sqe)->range, want);
    EXPECT_EQ(parse_write_zeroes(sqe)->range, want);
    EXPECT_EQ(parse_write_uncorrectable(sqe)->range, want);
    EXPECT_EQ(parse_verify(sqe)->range, want);
  }
}

TEST(IoCommand, AnEndThatOverflowsIsOutOfRange) {
  const struct {
    std::uint64_t slba;
    std::uint32_t nlb;
    bool fits;
  } rows[] = {
      {0xFFFFFFFFFFFFFFFE, 0, true},      {0xFFFFFFFFFFFFFFFF, 0, false},      {0xFFFFFFFFFFFFFFFE, 1, false},
      {0xFFFFFFFFFFFEFFFF, 0xFFFF, true}, {0xFFFFFFFFFFFF0000, 0xFFFF, false},
  };
  const CommandError error{status::kLbaOutOfRange.with_dnr(), 40, 0};
  for (const auto& row : rows) {
    const Sqe sqe = ranged(row.slba, row.nlb);
    const auto read = parse_read(sqe);
    ASSERT_EQ(read.has_value(), row.fits) << std::hex << row.slba;
    if (!read) {
      EXPECT_EQ(read.error(), error);
      EXPECT_EQ(parse_write(sqe).error(), error);
      EXPECT_EQ(parse_compare(sqe).error(), error);
      EXPECT_EQ(parse_write_zeroes(sqe).error(), error);
      EXPECT_EQ(parse_write_uncorrectable(sqe).error(), error);
      EXPECT_EQ(parse_verify(sqe).error(), error);
    } else {
      EXPECT_GT(read->range.end(), row.slba);
    }
  }
}

// Each bit of dword 12 above NLB means one thing.
TEST(IoCommand, ControlBits) {
  const auto write = [](unsigned bit) { return *parse_write(ranged(0, 1u << bit)); };
  EXPECT_EQ(write(20).directive_type, 1);
  EXPECT_EQ(write(23).directive_type, 8);
  EXPECT_TRUE(write(24).protection.check_storage_tag);
  EXPECT_TRUE(write(26).protection.check_ref_tag);
  EXPECT_TRUE(write(27).protection.check_app_tag);
  EXPECT_TRUE(write(28).protection.check_guard);
  EXPECT_TRUE(write(29).protection.pract);
  EXPECT_TRUE(write(30).fua);
  EXPECT_TRUE(write(31).limited_retry);
  EXPECT_FALSE(write(25).protection.requested());
  EXPECT_FALSE(write(30).limited_retry);
  EXPECT_TRUE(parse_write_zeroes(ranged(0, 1u << 25))->deallocate);
  EXPECT_FALSE(parse_write_zeroes(ranged(0, 1u << 24))->deallocate);
  EXPECT_TRUE(parse_write_zeroes(ranged(0, 1u << 23))->whole_namespace);
}

TEST(IoCommand, TheRangeOfAWholeNamespaceIsIgnored) {
  const auto command = parse_write_zeroes(ranged(0xFFFFFFFFFFFFFFFF, 1u << 23));
  ASSERT_TRUE(command.has_value());
  EXPECT_TRUE(command->whole_namespace);
}

TEST(IoCommand, RoundTrips) {
  const LbaRange range{.slba = 0x123456789ABCDEF0, .blocks = 65536};
  const ReadWrite read{.nsid = Nsid(7),
                       .range = range,
                       .fua = true,
                       .limited_retry = true,
                       .dataset_hints = 0x5A,
                       .protection = kAllProtection};
  EXPECT_EQ(*parse_read(make_read(read)), read);
  EXPECT_EQ(make_read(read).opcode, 2);
  ReadWrite write = read;
  write.directive_type = 3;
  write.directive_specific = 0xBEEF;
  EXPECT_EQ(*parse_write(make_write(write)), write);
  EXPECT_EQ(make_write(write).opcode, 1);
  ReadWrite compare = read;
  compare.dataset_hints = 0;
  EXPECT_EQ(*parse_compare(make_compare(compare)), compare);
  EXPECT_EQ(make_compare(compare).opcode, 5);
  const WriteZeroes zeroes{
      .nsid = Nsid(7), .range = range, .fua = true, .deallocate = true, .protection = kAllProtection};
  EXPECT_EQ(*parse_write_zeroes(make_write_zeroes(zeroes)), zeroes);
  EXPECT_EQ(make_write_zeroes(zeroes).opcode, 8);
  const Flush flush{kAllNamespaces};
  EXPECT_EQ(*parse_flush(make_flush(flush)), flush);
  EXPECT_EQ(make_flush(flush).opcode, 0);
}

TEST(IoCommand, DatasetManagement) {
  for (const std::uint32_t ranges : {1u, 2u, 255u, 256u}) {
    const DatasetManagement command{.nsid = Nsid(1), .ranges = ranges, .deallocate = true};
    const Sqe sqe = make_dataset_management(command);
    EXPECT_EQ(sqe.opcode, 9);
    EXPECT_EQ(sqe.cdw10, ranges - 1);
    EXPECT_EQ(sqe.cdw11, 4u);
    EXPECT_EQ(*parse_dataset_management(sqe), command);
    EXPECT_EQ(command.data_bytes(), ranges * 16);
  }
  Sqe sqe{};
  sqe.cdw10 = 0xFFFFFF00;  // reserved bits
  sqe.cdw11 = 3;
  EXPECT_EQ(*parse_dataset_management(sqe),
            (DatasetManagement{.ranges = 1, .integral_read = true, .integral_write = true}));
}

}  // namespace
}  // namespace weft::wire
