#include "daemon/read_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace weft::daemon {
namespace {

TEST(ReadFile, AllOfItOrWhyNot) {
  std::string name = testing::TempDir() + "weft-read-XXXXXX";
  const int fd = ::mkstemp(name.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(*read_file(name), "");
  std::string text(200'000, 'x');
  text[70'000] = '\0';
  std::ofstream(name, std::ios::binary) << text;
  EXPECT_EQ(*read_file(name), text);
  ASSERT_EQ(::truncate(name.c_str(), (off_t{64} << 20) + 1), 0);
  const auto large = read_file(name);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, EFBIG);
  EXPECT_EQ(large.error().message, name + ": it has more than 64 MiB, which no configuration needs");
  ::unlink(name.c_str());
  const auto gone = read_file(name);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ENOENT);
  EXPECT_EQ(gone.error().message, name + ": " + errno_text(ENOENT));
  EXPECT_EQ(read_file(testing::TempDir()).error().code, EISDIR);
}

}  // namespace
}  // namespace weft::daemon
