#include "cli/export_spec.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace weft::cli {

namespace {

using testing::HasSubstr;
using Control = block::ControlValues;

class Exports : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "exports-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    disk_ = folder_ + "/disk.img";
    std::ofstream(disk_) << "data";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::string disk_;
};

TEST_F(Exports, MeanADeviceWithItsControlKeys) {
  const struct {
    std::string text;
    std::string device;
    Control control;
  } cases[] = {
      {"1G", "rd_mcp_1/disk3", {{"size", "1G"}}},
      {"ramdisk:512M", "rd_mcp_1/disk3", {{"size", "512M"}}},
      {"1.5T,block_size=4096,overcommit",
       "rd_mcp_1/disk3",
       {{"size", "1.5T"}, {"block_size", "4096"}, {"overcommit", "1"}}},
      {"null:1T", "null_1/disk3", {{"size", "1T"}}},
      {disk_, "fileio_1/disk.img-" + name_hash(disk_), {{"fd_dev_name", disk_}}},
      {"file:" + folder_ + "/./disk.img", "fileio_1/disk.img-" + name_hash(disk_), {{"fd_dev_name", disk_}}},
      {"file:" + folder_ + "/a,,b,size=1G,buffered,readonly=0",
       "fileio_1/a,b-" + name_hash(folder_ + "/a,b"),
       {{"fd_dev_name", folder_ + "/a,b"},
        {"fd_dev_size", "1G"},
        {"create", "1"},
        {"fd_buffered_io", "1"},
        {"readonly", "0"}}},
      {"block:/dev/none,readonly",
       "iblock_1/none-" + name_hash("/dev/none"),
       {{"udev_path", "/dev/none"}, {"readonly", "1"}}},
  };
  for (const auto& each : cases) {
    const auto made = parse_export(each.text, 3);
    ASSERT_TRUE(made) << each.text << ": " << made.error().message;
    EXPECT_EQ(made->text, each.text);
    EXPECT_EQ(made->device, each.device) << each.text;
    EXPECT_EQ(made->entry.control, each.control) << each.text;
  }
}

TEST_F(Exports, AreRefusedWithTheRule) {
  const struct {
    std::string text;
    int code;
    std::string rule;
  } cases[] = {
      {"", EINVAL, "it is empty"},
      {"0", EINVAL, "must be a size that is not 0"},
      {"ramdisk:", EINVAL, "must be a size that is not 0"},
      {"ramdisk:much", EINVAL, "\"much\" must be a size"},
      {"null:-1", EINVAL, "must be a size"},
      {"tape:1G", EINVAL, "\"tape\" must be ramdisk, file, block or null"},
      {"no-such", EINVAL, "no size (like 1G) and no file"},
      {"./no-such", ENOENT, "there is no such file; file:./no-such,size=10G makes one"},
      {"file:" + folder_ + "/none", ENOENT, "add ,size=10G"},
      {"file:", EINVAL, "there is no path behind file:"},
      {folder_, EINVAL, "must be a regular file or a block device"},
      {"1G,size=2G", EINVAL, "unknown option \"size\"; ramdisk knows block_size=VALUE, overcommit"},
      {"1G,block_size", EINVAL, "needs a value"},
      {"1G,block_size=", EINVAL, "needs a value"},
      {"1G,overcommit=2", EINVAL, "must be 0 or 1"},
      {"1G,overcommit,overcommit", EINVAL, "is there twice"},
  };
  for (const auto& each : cases) {
    const auto made = parse_export(each.text, 1);
    ASSERT_FALSE(made) << each.text;
    EXPECT_EQ(made.error().code, each.code) << each.text;
    EXPECT_THAT(made.error().message, HasSubstr(each.rule));
    EXPECT_THAT(made.error().message, HasSubstr("\"" + each.text + "\"")) << "names the export";
  }
}

TEST(NameHash, IsTheSameInEveryVersion) {
  EXPECT_EQ(name_hash(""), "cbf29ce484222325");
  EXPECT_EQ(name_hash("a"), "af63dc4c8601ec8c");
}

}  // namespace

}  // namespace weft::cli
