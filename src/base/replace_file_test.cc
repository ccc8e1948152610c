#include "base/replace_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/test_full_disk.h"

namespace weft {
namespace {

class ReplaceFile : public testing::Test {
 protected:
  ReplaceFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ / "file";
  }
  ~ReplaceFile() override { std::filesystem::remove_all(folder_); }
  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST_F(ReplaceFile, HasTheNewContentForItsOwnerAlone) {
  for (const std::string& text : {std::string("first"), std::string(), std::string(1 << 20, 'x')}) {
    ASSERT_TRUE(replace_file(path_, text));
    EXPECT_TRUE(content() == text);
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(files(), 1u);
  }
}

TEST_F(ReplaceFile, AFailureLeavesTheOld) {
  ASSERT_TRUE(replace_file(path_, "old"));
  Result<> replaced;
  {
    const FullDisk full(100);
    replaced = replace_file(path_, std::string(200, 'x'));
  }
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().code, EFBIG);
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(files(), 1u);
  // A directory cannot be replaced by a file.
  std::filesystem::create_directory(folder_ / "folder");
  EXPECT_EQ(replace_file(folder_ / "folder", "x").error().code, EISDIR);
  EXPECT_EQ(replace_file(folder_ / "none/file", "x").error().code, ENOENT);
  EXPECT_EQ(files(), 2u);
}

}  // namespace
}  // namespace weft
