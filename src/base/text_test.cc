#include "base/text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace weft {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  struct Row {
    std::string_view text;
    std::optional<std::uint64_t> value;
  };
  const Row rows[] = {
      {"0", 0},
      {"42", 42},
      {"010", 10},
      {"0x10", 16},
      {"0xfF", 255},
      {"18446744073709551615", kMost},
      {"0xffffffffffffffff", kMost},
      {"18446744073709551616", std::nullopt},
      {"0x10000000000000000", std::nullopt},
      {"", std::nullopt},
      {"0x", std::nullopt},
      {"x10", std::nullopt},
      {"-1", std::nullopt},
      {"+1", std::nullopt},
      {" 1", std::nullopt},
      {"1 ", std::nullopt},
      {"1\n", std::nullopt},
      {"1a", std::nullopt},
      {"0x0x1", std::nullopt},
      {"1e3", std::nullopt},
      {std::string_view("1\0", 2), std::nullopt},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_number(row.text, 0, kMost), row.value) << row.text;
}

TEST(ParseNumber, HoldsItsBounds) {
  EXPECT_EQ(parse_number("9", 10, 20), std::nullopt);
  EXPECT_EQ(parse_number("10", 10, 20), 10u);
  EXPECT_EQ(parse_number("20", 10, 20), 20u);
  EXPECT_EQ(parse_number("21", 10, 20), std::nullopt);
}

TEST(ParseSize, KnowsPowersOf1024) {
  struct Row {
    std::string_view text;
    std::optional<std::uint64_t> bytes;
  };
  const Row rows[] = {
      {"0", 0},
      {"4096", 4096},
      {"64K", 65536},
      {"64k", 65536},
      {"64KiB", 65536},
      {"1M", std::uint64_t{1} << 20},
      {"1.5G", std::uint64_t{3} << 29},
      {"2TiB", std::uint64_t{2} << 40},
      {"1P", std::uint64_t{1} << 50},
      {"15E", std::uint64_t{15} << 60},
      {"15.999E", 18445591152204944769u},
      {"0.5K", 512},
      {"0.1K", 102},
      {"18446744073709551615", kMost},
      {"16E", std::nullopt},
      {"18446744073709551615E", std::nullopt},
      {"1.5", std::nullopt},
      {"1.G", std::nullopt},
      {".5G", std::nullopt},
      {"1.-5G", std::nullopt},
      {"1.5.5G", std::nullopt},
      {"1.0000000000000000G", std::nullopt},
      {"0x10K", std::nullopt},
      {"1KB", std::nullopt},
      {"1iB", std::nullopt},
      {"1B", std::nullopt},
      {"1 G", std::nullopt},
      {"-1G", std::nullopt},
      {"G", std::nullopt},
      {"iB", std::nullopt},
      {"KiB", std::nullopt},
      {"", std::nullopt},
      {"1GG", std::nullopt},
      {"1X", std::nullopt},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_size(row.text), row.bytes) << row.text;
}

TEST(SizeText, NeverSaysMoreThanThereIs) {
  struct Row {
    std::uint64_t bytes;
    std::string_view text;
  };
  const Row rows[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1 KiB"},
      {1535, "1.4 KiB"},
      {1536, "1.5 KiB"},
      {1024 * 1024 - 1, "1023.9 KiB"},
      {1024 * 1024, "1 MiB"},
      {std::uint64_t{3} << 29, "1.5 GiB"},
      {std::uint64_t{1} << 60, "1 EiB"},
      {kMost, "15.9 EiB"},
  };
  for (const auto& row : rows) EXPECT_EQ(size_text(row.bytes), row.text) << row.bytes;
}

TEST(ParseBool, IsZeroOrOne) {
  EXPECT_EQ(parse_bool("0"), false);
  EXPECT_EQ(parse_bool("1"), true);
  for (const auto text : {"", "2", "00", "01", "1 ", "true", "yes", "on"})
    EXPECT_EQ(parse_bool(text), std::nullopt) << text;
}

TEST(Trim, TakesBlanksFromBothEnds) {
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim(" \t\r\n"), "");
  EXPECT_EQ(trim("a b"), "a b");
  EXPECT_EQ(trim("\n a b\t\n"), "a b");
}

TEST(UuidText, IsReadBackAsItWasWritten) {
  const auto uuid = parse_uuid("3F1D6F0E-9a1b-4a7c-8a5e-0b7d5c0d1e42").value_or(Uuid{});
  EXPECT_EQ(uuid.bytes[0], 0x3f);
  EXPECT_EQ(uuid.bytes[15], 0x42);
  EXPECT_EQ(uuid_text(uuid), "3f1d6f0e-9a1b-4a7c-8a5e-0b7d5c0d1e42");
  EXPECT_FALSE(uuid.is_nil());
  EXPECT_EQ(parse_uuid("00000000-0000-0000-0000-000000000000"), Uuid{});
  EXPECT_TRUE(Uuid{}.is_nil());
}

TEST(UuidText, RefusesEverythingElse) {
  for (const auto text : {
           "",
           "3f1d6f0e-9a1b-4a7c-8a5e-0b7d5c0d1e4",
           "3f1d6f0e-9a1b-4a7c-8a5e-0b7d5c0d1e422",
           "3f1d6f0e9a1b4a7c8a5e0b7d5c0d1e42",
           "3f1d6f0e-9a1b-4a7c-8a5e0-b7d5c0d1e42",
           "3f1d6f0g-9a1b-4a7c-8a5e-0b7d5c0d1e42",
           "{3f1d6f0e-9a1b-4a7c-8a5e-0b7d5c0d1e42}",
           " 3f1d6f0e-9a1b-4a7c-8a5e-0b7d5c0d1e42",
       })
    EXPECT_EQ(parse_uuid(text), std::nullopt) << text;
}

TEST(Hex, GoesBothWays) {
  const std::uint8_t bytes[] = {0x00, 0x7f, 0xa0, 0xff};
  EXPECT_EQ(hex_text(bytes, 4), "007fa0ff");
  EXPECT_EQ(hex_text(bytes, 0), "");
  std::uint8_t back[4] = {};
  EXPECT_TRUE(parse_hex("007FA0ff", back, 4));
  EXPECT_EQ(hex_text(back, 4), "007fa0ff");
}

TEST(Hex, LeavesTheBytesAloneWhenItFails) {
  for (const auto text : {"", "00", "00112", "001122", "0011223", "00gg", "0x00"}) {
    std::uint8_t bytes[2] = {0xAA, 0xBB};
    EXPECT_FALSE(parse_hex(text, bytes, 2)) << text;
    EXPECT_EQ(hex_text(bytes, 2), "aabb") << text;
  }
}

}  // namespace
}  // namespace weft
