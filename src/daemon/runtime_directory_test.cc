#include "daemon/runtime_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace weft::daemon {

namespace {

TEST(RuntimeDirectory, TheServicesOwnComesFirst) {
  ::setenv("RUNTIME_DIRECTORY", "/run/a:/run/b", 1);
  ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  EXPECT_EQ(find_runtime_directory().value_or(""), "/run/a");
  ::unsetenv("RUNTIME_DIRECTORY");
  EXPECT_EQ(find_runtime_directory().value_or(""), ::geteuid() == 0 ? "/run/weft" : "/run/user/7/weft");
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(find_runtime_directory().has_value(), ::geteuid() == 0);
}

TEST(RuntimeDirectory, IsMadeForThisUserAlone) {
  std::string folder = std::filesystem::temp_directory_path() / "weft-runtime-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string wanted = folder + "/run";
  ::setenv("RUNTIME_DIRECTORY", wanted.c_str(), 1);
  EXPECT_EQ(make_runtime_directory().value_or(""), wanted);
  struct stat status{};
  ASSERT_EQ(::stat(wanted.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0700u);
  EXPECT_TRUE(make_runtime_directory()) << "one that is there is as good";
  ::setenv("RUNTIME_DIRECTORY", (folder + "/none/run").c_str(), 1);
  EXPECT_EQ(make_runtime_directory().error().code, ENOENT);
  ::unsetenv("RUNTIME_DIRECTORY");
  std::filesystem::remove_all(folder);
}

}  // namespace

}  // namespace weft::daemon
