#include "block/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::block {
namespace {

using testing::HasSubstr;

OpenOptions with(std::string_view key, std::string value) {
  OpenOptions options{.name = "fileio_0/d"};
  options.control.emplace(key, std::move(value));
  return options;
}

TEST(Control, FlagsAreZeroOrOne) {
  EXPECT_EQ(control_flag({}, "k").value(), false);
  EXPECT_EQ(control_flag(with("k", "1"), "k").value(), true);
  EXPECT_EQ(control_flag(with("k", "0\n"), "k").value(), false);
  for (const char* bad : {"", "2", "yes"}) {
    const auto result = control_flag(with("k", bad), "k");
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, EINVAL);
    EXPECT_THAT(result.error().message, HasSubstr("fileio_0/d: k="));
  }
}

TEST(Control, BlockSizesAre512And4096) {
  EXPECT_EQ(control_block_bytes({}).value(), std::nullopt);
  EXPECT_EQ(control_block_bytes(with("block_size", "512")).value(), 512u);
  EXPECT_EQ(control_block_bytes(with("block_size", "4096")).value(), 4096u);
  for (const char* bad : {"0", "511", "1024", "4097", "8192", "x", ""})
    EXPECT_FALSE(control_block_bytes(with("block_size", bad))) << bad;
}

TEST(Control, SizesAndNumbers) {
  EXPECT_EQ(control_size(with("size", "1.5M"), "size").value(), 1536u * 1024);
  EXPECT_EQ(control_size({}, "size").value(), std::nullopt);
  for (const char* bad : {"0", "", "-1", "1X"}) EXPECT_FALSE(control_size(with("size", bad), "size")) << bad;
  EXPECT_EQ(control_number(with("n", "7"), "n", 1, 7).value(), 7u);
  for (const char* bad : {"0", "8", "seven"}) EXPECT_FALSE(control_number(with("n", bad), "n", 1, 7)) << bad;
}

TEST(Control, BlocksAreWhole) {
  EXPECT_EQ(whole_blocks({}, 8192, 4096).value(), 2u);
  EXPECT_FALSE(whole_blocks({}, 8192 + 512, 4096));
  EXPECT_FALSE(whole_blocks({}, 0, 4096));
}

}  // namespace
}  // namespace weft::block
