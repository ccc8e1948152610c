// Where a tree can be mounted, and what earlier processes have left there.
#include "fuse/mount_point.h"

#include <sys/mount.h>

#include <csignal>
#include <optional>

#include "faces/fuse/test_mount.h"

namespace weft::faces {
namespace {

using fuse::mounted_there;
using fuse::MountedThere;
using fuse::prepare_mount_point;

using testing::HasSubstr;

TEST(MountedThere, TheLastLineIsOnTop) {
  constexpr std::string_view kText =
      "22 1 0:20 / / rw,relatime - ext4 /dev/vda rw\n"
      "23 22 0:21 / /a rw,nosuid shared:7 master:2 - fuse.weft weft rw,user_id=0\n"
      "24 22 0:22 / /a\\040b\\134c rw - tmpfs some\\040where rw\n"
      "25 23 0:23 / /a/x rw - fuse.weft weft rw\n"
      "26 25 0:24 / /a/x rw - fuse.other theirs rw\n"
      "27 broken\n";
  const struct Row {
    std::string_view directory;
    std::optional<MountedThere> mounted;
  } kRows[] = {
      {"/", MountedThere{"ext4", "/dev/vda"}},
      {"/a", MountedThere{"fuse.weft", "weft"}},
      {"/a b\\c", MountedThere{"tmpfs", "some where"}},
      {"/a/x", MountedThere{"fuse.other", "theirs"}},
      {"/a/", std::nullopt},
      {"/b", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : kRows) {
    const auto found = mounted_there(kText, row.directory);
    ASSERT_EQ(found.has_value(), row.mounted.has_value()) << row.directory;
    if (!found) continue;
    EXPECT_EQ(found->type, row.mounted->type);
    EXPECT_EQ(found->source, row.mounted->source);
  }
}

TEST(PrepareMountPoint, MakesItAndRefusesWhatIsNoEmptyDirectory) {
  const TemporaryDirectory directory;
  const std::string missing = directory / "some/where/below";
  EXPECT_EQ(prepare_mount_point(missing + "/"), missing);
  struct stat status{};
  ASSERT_EQ(::stat(missing.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, S_IFDIR | 0755U);
  EXPECT_EQ(prepare_mount_point(directory / "some/../some/where/./below"), missing);
  ASSERT_EQ(::symlink("some/where/below", (directory / "link").c_str()), 0);
  EXPECT_EQ(prepare_mount_point(directory / "link"), missing);
  ASSERT_EQ(write_file(directory / "file", "", O_WRONLY | O_CREAT), 0);
  ASSERT_EQ(::symlink("nowhere", (directory / "broken").c_str()), 0);

  const struct Row {
    std::string path;
    int code;
    std::string text;
  } kRows[] = {
      {"relative/path", EINVAL, "must begin with /"},
      {"", EINVAL, "must begin with /"},
      {"/", EBUSY, "choose"},
      {"/proc", EBUSY, "of type proc"},
      {"/proc/none", ENOENT, "/proc/none"},
      {directory / "some", ENOTEMPTY, "choose an empty one"},
      {directory / "file", ENOTDIR, "not a directory"},
      {directory / "file/below", ENOTDIR, "file"},
      {directory / "broken", ENOENT, "leads nowhere"},
  };
  for (const Row& row : kRows) {
    const auto prepared = prepare_mount_point(row.path);
    ASSERT_FALSE(prepared) << row.path;
    EXPECT_EQ(prepared.error().code, row.code) << prepared.error().message;
    EXPECT_THAT(prepared.error().message, HasSubstr(row.text));
    EXPECT_THAT(prepared.error().message, HasSubstr(row.path));
  }
}

TEST_F(MountTest, ALiveMountIsLeftAlone) {
  config::TestTree other;
  for (int i = 0; i < 2; ++i) {
    const auto second = FuseMount::mount(other, {.directory = directory_ / "mount"});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EBUSY);
    EXPECT_THAT(second.error().message, HasSubstr(directory_ / "mount"));
    EXPECT_THAT(second.error().message, HasSubstr("stop it"));
  }
  EXPECT_EQ(make("sub"), 0);
}

TEST_F(MountTest, AnotherFileSystemIsLeftAlone) {
  mount_.reset();
  if (::mount("theirs", (directory_ / "mount").c_str(), "tmpfs", 0, nullptr) != 0)
    GTEST_SKIP() << "a tmpfs cannot be mounted: " << errno_text(errno);
  const auto second = FuseMount::mount(tree_, {.directory = directory_ / "mount"});
  EXPECT_EQ(::umount((directory_ / "mount").c_str()), 0);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EBUSY);
  EXPECT_THAT(second.error().message, HasSubstr("theirs of type tmpfs"));
}

// The other process of the tests below, which run this program again with a directory in its environment.
constexpr const char* kDirectoryVariable = "WEFT_FUSE_TEST_DIRECTORY";

TEST(MountServer, DISABLED_ServesUntilItIsKilled) {
  config::TestTree tree;
  tree.add_attribute("serving", true, false, "1");
  const auto mount = FuseMount::mount(tree, {.directory = std::getenv(kDirectoryVariable)});
  ASSERT_TRUE(mount) << mount.error().message;
  ::pause();
}

pid_t start_server(const std::string& directory) {
  ::setenv(kDirectoryVariable, directory.c_str(), 1);
  return spawn({"/proc/self/exe", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
                "--gtest_filter=MountServer.DISABLED_ServesUntilItIsKilled"});
}

TEST_F(MountTest, DeadMountsAreDetached) {
  mount_.reset();
  const std::string directory = directory_ / "mount";
  for (int i = 0; i < 2; ++i) {
    const pid_t server = start_server(directory);
    EXPECT_TRUE(eventually([&] { return read_file(directory + "/serving") == "1\n"; }));
    const auto second = FuseMount::mount(tree_, {.directory = directory});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EBUSY);
    // The second server has found the first one's dead mount.
    ::kill(server, SIGKILL);
    wait_for_end(server);
    EXPECT_TRUE(eventually([&] { return read_file(directory) == "errno " + std::to_string(ENOTCONN); }));
    EXPECT_TRUE(directory_.mounted("mount"));
  }
  mount_tree();
  ASSERT_NE(mount_, nullptr);
  EXPECT_EQ(make("sub"), 0);
  mount_.reset();
  EXPECT_FALSE(directory_.mounted("mount"));
  EXPECT_TRUE(std::filesystem::is_empty(directory));
}

}  // namespace
}  // namespace weft::faces
