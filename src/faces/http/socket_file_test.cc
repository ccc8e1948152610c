#include "faces/http/socket_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "faces/http/test_client.h"

namespace weft::faces {

namespace {

using testing::HasSubstr;

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777u : 0;
}

TEST(SocketFile, ModesAndTheEnd) {
  const TestFolder folder;
  const std::string path = folder / "run/weftd.sock";
  {
    const auto socket = SocketFile::listen({.path = path});
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_EQ(mode_of(path), 0600u);
    EXPECT_EQ(mode_of(folder / "run"), 0700u);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  const std::string group = std::to_string(::getegid());
  const auto socket = SocketFile::listen({.path = path, .group = group, .is_own_directory = true});
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_EQ(mode_of(path), 0660u);
  EXPECT_EQ(mode_of(folder / "run"), 0750u) << "Weft's own directory follows the group";
}

TEST(SocketFile, SomebodyElsesDirectoryStaysAsItIs) {
  const TestFolder folder;
  std::filesystem::create_directory(folder / "shared");
  ASSERT_EQ(::chmod((folder / "shared").c_str(), 0755), 0);
  const auto socket = SocketFile::listen({.path = folder / "shared/weftd.sock"});
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_EQ(mode_of(folder / "shared"), 0755u);
}

TEST(SocketFile, ALivingOneIsRefusedAndADeadOneReplaced) {
  const TestFolder folder;
  const std::string path = folder / "run/weftd.sock";
  auto first = SocketFile::listen({.path = path});
  ASSERT_TRUE(first) << first.error().message;
  const auto second = SocketFile::listen({.path = path});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_THAT(second.error().message,
              HasSubstr("(process " + std::to_string(::getpid()) + ") listens there"));

  // As a process leaves it that is killed: the name stays, nobody listens.
  std::filesystem::create_hard_link(path, folder / "kept");
  first->reset();
  std::filesystem::rename(folder / "kept", path);
  auto third = SocketFile::listen({.path = path});
  ASSERT_TRUE(third) << third.error().message;

  // Who comes later has the name; the end of the one before leaves it alone.
  std::filesystem::remove(path);
  const auto fourth = SocketFile::listen({.path = path});
  ASSERT_TRUE(fourth) << fourth.error().message;
  third->reset();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(SocketFile, WhatCannotBe) {
  const TestFolder folder;
  std::ofstream(folder / "file") << "precious";
  struct Row {
    SocketOptions options;
    int code;
    const char* message;
  };
  const Row rows[] = {
      {{.path = folder / "file"}, EEXIST, "there is a file that is no socket"},
      {{.path = folder / "none/none/x"}, ENOENT, "cannot make the socket's directory"},
      {{.path = folder / "file/x"}, ENOTDIR, "it is not a directory"},
      {{.path = folder / std::string(200, 'x')}, ENAMETOOLONG, "107 characters at most"},
      {{.path = folder / "x", .group = "no-such-group"}, EINVAL, "group \"no-such-group\": there is none"},
  };
  for (const Row& row : rows) {
    const auto socket = SocketFile::listen(row.options);
    ASSERT_FALSE(socket) << row.message;
    EXPECT_EQ(socket.error().code, row.code) << socket.error().message;
    EXPECT_THAT(socket.error().message, HasSubstr(row.message));
  }
}

}  // namespace

}  // namespace weft::faces
