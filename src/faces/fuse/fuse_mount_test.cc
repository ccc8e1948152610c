// What programs see of a mounted tree.
#include <dirent.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "faces/fuse/test_mount.h"

namespace weft::faces {
namespace {

using testing::ElementsAre;

TEST_F(MountTest, ModeBitsSizesOwnersAndTimes) {
  tree_.add_directory("closed", false);
  ASSERT_EQ(make("sub"), 0);
  ASSERT_EQ(::symlink("/somewhere/else", at("sub/hosts/link").c_str()), 0);
  const struct Row {
    std::string path;
    mode_t mode;
    off_t bytes;
  } kRows[] = {
      {"", S_IFDIR | 0755, 0},
      {"closed", S_IFDIR | 0555, 0},
      {"sub", S_IFDIR | 0755, 0},
      {"sub/enable", S_IFREG | 0644, 4096},
      {"sub/last_error", S_IFREG | 0444, 4096},
      {"sub/revalidate_size", S_IFREG | 0200, 4096},
      {"sub/hosts/link", S_IFLNK | 0777, 15},
      {"none", 0, 0},
      {"sub/none", 0, 0},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.path);
    const struct stat found = status(row.path);
    EXPECT_EQ(found.st_mode, row.mode);
    EXPECT_EQ(found.st_size, row.bytes);
    if (row.mode == 0) continue;
    EXPECT_EQ(found.st_uid, ::geteuid());
    EXPECT_EQ(found.st_gid, ::getegid());
  }
  const struct stat found = status("closed");
  for (const timespec& time : {found.st_atim, found.st_mtim, found.st_ctim})
    EXPECT_EQ(time.tv_sec, std::chrono::system_clock::to_time_t(config::TestTree::kThen));
}

TEST_F(MountTest, ReadingAddsOneNewline) {
  tree_.add_attribute("empty", true, false, "");
  tree_.add_attribute("word", true, false, "word");
  tree_.add_attribute("lines", true, false, "a\nb\n");
  tree_.add_attribute("long", true, false, std::string(300'000, 'x'));
  tree_.add_attribute("secret", false, true, "secret");
  EXPECT_EQ(read_file(at("empty")), "");
  EXPECT_EQ(read_file(at("word")), "word\n");
  EXPECT_EQ(read_file(at("lines")), "a\nb\n");
  EXPECT_EQ(read_file(at("long")), std::string(300'000, 'x') + "\n");
  EXPECT_EQ(read_file(at("secret")), "errno " + std::to_string(EACCES));
  EXPECT_EQ(read_file(at("none")), "errno " + std::to_string(ENOENT));
}

TEST_F(MountTest, APieceWiseReaderSeesOneValueUntilItRewinds) {
  tree_.add_attribute("value", true, true, "first");
  const int file = ::open(at("value").c_str(), O_RDWR | O_CLOEXEC);
  char text[16] = {};
  ASSERT_EQ(::read(file, text, 2), 2);
  ASSERT_EQ(write_file(at("value"), "second"), 0);
  ASSERT_EQ(::read(file, text + 2, 14), 4);
  EXPECT_STREQ(text, "first\n");
  EXPECT_EQ(::read(file, text, 1), 0);
  ASSERT_EQ(::pread(file, text, sizeof text, 0), 7);
  EXPECT_EQ(std::string_view(text, 7), "second\n");
  ::close(file);
}

TEST_F(MountTest, AWriteIsOneChangeOfItsWholeBuffer) {
  ASSERT_EQ(make("sub"), 0);
  EXPECT_EQ(write_file(at("sub/enable"), "1"), 0);
  EXPECT_EQ(read_file(at("sub/enable")), "1\n");
  EXPECT_EQ(write_file(at("sub/enable"), "2\n", O_WRONLY), 0);
  EXPECT_EQ(write_file(at("sub/enable"), "3\n", O_WRONLY | O_APPEND), 0);
  EXPECT_EQ(write_file(at("sub/enable"), "\n", O_WRONLY | O_CREAT | O_TRUNC), 0);
  EXPECT_EQ(read_file(at("sub/enable")), "");
  EXPECT_EQ(write_file(at("sub/enable"), "a=1\nb=2\n", O_RDWR), 0);
  EXPECT_EQ(write_file(at("sub/enable"), "refused"), EBUSY);
  EXPECT_EQ(write_file(at("sub/last_error"), "1"), EACCES);
  EXPECT_EQ(write_file(at("sub/last_error"), "1", O_RDWR), EACCES);
  EXPECT_EQ(write_file(at("sub/revalidate_size"), "1"), 0);
  EXPECT_THAT(tree_.writes(), ElementsAre("1", "2\n", "3\n", "\n", "a=1\nb=2\n", "refused", "1"));
}

TEST_F(MountTest, OneFileTakesSeveralChanges) {
  tree_.add_attribute("control", true, true);
  ASSERT_EQ(wait_for_end(spawn({"sh", "-c", "{ echo a=1; echo b=2; } > " + at("control")})), 0);
  EXPECT_THAT(tree_.writes(), ElementsAre("a=1\n", "b=2\n"));
}

TEST_F(MountTest, AValueIsAtMost64KiB) {
  constexpr std::size_t kMostBytes = std::size_t{64} * 1024;
  tree_.add_attribute("value", true, true);
  EXPECT_EQ(write_file(at("value"), std::string(kMostBytes, 'x')), 0);
  EXPECT_EQ(write_file(at("value"), std::string(kMostBytes + 1, 'x')), EFBIG);
  EXPECT_EQ(write_file(at("value"), std::string(kMostBytes * 64, 'x')), EFBIG);
  ASSERT_EQ(tree_.writes().size(), 1U);
  EXPECT_EQ(tree_.value("value"), std::string(kMostBytes, 'x'));
}

TEST_F(MountTest, TruncationAndTimesAreTakenModesAndOwnersAreNot) {
  ASSERT_EQ(make("sub"), 0);
  EXPECT_EQ(error_of(::truncate(at("sub/enable").c_str(), 0)), 0);
  EXPECT_EQ(error_of(::truncate(at("sub/enable").c_str(), 10)), 0);
  EXPECT_EQ(error_of(::truncate(at("sub/last_error").c_str(), 0)), EACCES);
  EXPECT_EQ(error_of(::utimensat(AT_FDCWD, at("sub/enable").c_str(), nullptr, 0)), 0);
  EXPECT_EQ(error_of(::chmod(at("sub/enable").c_str(), 0600)), EPERM);
  EXPECT_EQ(error_of(::chown(at("sub/enable").c_str(), ::geteuid(), ::getegid())), EPERM);
  EXPECT_EQ(status("sub/enable").st_size, 4096);
  EXPECT_EQ(read_file(at("sub/enable")), "0\n");
  EXPECT_TRUE(tree_.writes().empty());
}

TEST_F(MountTest, DirectoriesComeAndGoWithWhatIsInThem) {
  ASSERT_EQ(make("sub"), 0);
  EXPECT_EQ(make("sub"), EEXIST);
  EXPECT_EQ(make("forbidden"), EINVAL);
  EXPECT_EQ(make("none/below"), ENOENT);
  EXPECT_THAT(names_in(at("sub")),
              ElementsAre("attr_serial", "enable", "hosts", "last_error", "revalidate_size"));
  EXPECT_THAT(names_in(at("")), ElementsAre("sub"));
  EXPECT_EQ(remove("none"), ENOENT);
  EXPECT_EQ(remove("sub/enable"), ENOTDIR);
  EXPECT_EQ(remove("sub"), 0);
  EXPECT_THAT(names_in(at("")), ElementsAre());
  EXPECT_EQ(status("sub").st_mode, 0U);
}

TEST_F(MountTest, LinksSayWhatWasWritten) {
  ASSERT_EQ(make("sub"), 0);
  ASSERT_EQ(make("host"), 0);
  for (const std::string& target : {at("host"), std::string("../../host"), std::string("/not/there")}) {
    const std::string link = at("sub/hosts/link");
    ASSERT_EQ(error_of(::symlink(target.c_str(), link.c_str())), 0);
    EXPECT_EQ(std::filesystem::read_symlink(link), target);
    EXPECT_EQ(std::filesystem::exists(link + "/enable"), target != "/not/there");
    EXPECT_EQ(error_of(::symlink(target.c_str(), link.c_str())), EEXIST);
    EXPECT_EQ(error_of(::unlink(link.c_str())), 0);
    EXPECT_EQ(error_of(::unlink(link.c_str())), ENOENT);
  }
}

TEST_F(MountTest, WhatNobodyMayDo) {
  ASSERT_EQ(make("sub"), 0);
  EXPECT_EQ(error_of(::unlink(at("sub/enable").c_str())), EPERM);
  EXPECT_EQ(error_of(::rename(at("sub").c_str(), at("other").c_str())), EPERM);
  EXPECT_EQ(error_of(::link(at("sub/enable").c_str(), at("sub/other").c_str())), EPERM);
  EXPECT_EQ(write_file(at("sub/other"), "1", O_WRONLY | O_CREAT), EPERM);
  EXPECT_EQ(error_of(::mknod(at("sub/other").c_str(), S_IFIFO | 0600, 0)), EPERM);
  EXPECT_EQ(error_of(::setxattr(at("sub").c_str(), "user.x", "1", 1, 0)), EOPNOTSUPP);
  EXPECT_EQ(error_of(::getxattr(at("sub").c_str(), "user.x", nullptr, 0)), EOPNOTSUPP);
  EXPECT_THAT(names_in(at("sub")),
              ElementsAre("attr_serial", "enable", "hosts", "last_error", "revalidate_size"));
}

TEST_F(MountTest, TheFileSystemItself) {
  struct statvfs found{};
  ASSERT_EQ(::statvfs(at("").c_str(), &found), 0);
  EXPECT_EQ(found.f_namemax, 255U);
  EXPECT_EQ(found.f_blocks, 0U);
  EXPECT_TRUE(directory_.mounted("mount"));
  EXPECT_EQ(mount_->directory(), directory_ / "mount");
  mount_.reset();
  EXPECT_FALSE(directory_.mounted("mount"));
}

// fsync and close have nothing to do, and say so.
TEST_F(MountTest, ScriptsWork) {
  ASSERT_EQ(make("sub"), 0);
  const std::string enable = at("sub/enable");
  ASSERT_EQ(wait_for_end(spawn({"sh", "-ec",
                                "echo 1 > $0; grep -qx 1 $0; echo 2 >> $0; grep -qx 2 $0; sync $0; touch $0; "
                                "test -w $0; printf 3 > $0; cat $0 | grep -qx 3",
                                enable})),
            0);
  ASSERT_EQ(wait_for_end(spawn({"python3", "-c",
                                "import os, sys\n"
                                "with open(sys.argv[1], 'w') as f: f.write('4')\n"
                                "assert open(sys.argv[1]).read() == '4\\n'\n"
                                "assert sorted(os.listdir(sys.argv[2])) == ['sub']\n"
                                "os.rmdir(sys.argv[2] + '/sub')\n",
                                enable, at("")})),
            0);
  EXPECT_THAT(tree_.writes(), ElementsAre("1\n", "2\n", "3", "4"));
}

TEST_F(MountTest, LargeDirectoriesAreReadWhole) {
  constexpr int kEntries = 5000;
  std::vector<std::string> wanted;
  for (int i = 0; i < kEntries; ++i) {
    wanted.push_back("entry_with_a_name_that_takes_some_room_" + std::to_string(i));
    tree_.add_attribute(wanted.back(), true, false);
  }
  EXPECT_THAT(names_in(at("")), testing::UnorderedElementsAreArray(wanted));
}

TEST_F(MountTest, AnOpenDirectoryShowsOneMomentUntilItIsRewound) {
  tree_.add_attribute("a", true, false);
  tree_.add_directory("b", true);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(at("").c_str()), &::closedir);
  ASSERT_NE(directory, nullptr);
  const auto read_all = [&] {
    std::vector<std::string> names;
    while (const dirent* const entry = ::readdir(directory.get()))
      names.push_back(std::string(entry->d_name) + (entry->d_type == DT_DIR ? "/" : ""));
    return names;
  };
  tree_.add_attribute("c", true, false);
  EXPECT_THAT(read_all(), ElementsAre("./", "../", "a", "b/"));
  ::rewinddir(directory.get());
  EXPECT_THAT(read_all(), ElementsAre("./", "../", "a", "b/", "c"));
  tree_.remove("a");
  ::rewinddir(directory.get());
  EXPECT_THAT(read_all(), ElementsAre("./", "../", "b/", "c"));
}

TEST_F(MountTest, NothingIsCached) {
  EXPECT_EQ(status("late").st_mode, 0U);
  tree_.add_attribute("late", true, false, "1");
  EXPECT_EQ(status("late").st_mode, S_IFREG | 0444U);
  EXPECT_EQ(read_file(at("late")), "1\n");
  tree_.add_attribute("late", true, true, "2");
  EXPECT_EQ(status("late").st_mode, S_IFREG | 0644U);
  EXPECT_EQ(read_file(at("late")), "2\n");
  tree_.add_directory("late", true);
  EXPECT_EQ(status("late").st_mode, S_IFDIR | 0755U);
  tree_.remove("late");
  EXPECT_EQ(status("late").st_mode, 0U);
}

// Neither a directory that was there just now is asked for again, nor what comes and goes with it.
TEST_F(MountTest, FixedNamesAreLookedUpOnce) {
  ASSERT_EQ(make("sub"), 0);
  ASSERT_EQ(make("sub/hosts/a"), 0);
  std::ignore = tree_.take_asked();
  ASSERT_EQ(make("sub/hosts/b"), 0);
  EXPECT_THAT(tree_.take_asked(), ElementsAre("sub/hosts/b"));
  ASSERT_EQ(write_file(at("sub/enable"), "1"), 0);
  std::ignore = tree_.take_asked();
  ASSERT_EQ(write_file(at("sub/enable"), "1"), 0);
  EXPECT_THAT(tree_.take_asked(), ElementsAre("sub/enable"));
}

// Another face may remove the directory and make it again.
TEST_F(MountTest, WhatWentWithItsDirectoryComesAgainWithTheNext) {
  const auto behind = [](auto change) { change([](Result<> result) { EXPECT_TRUE(result); }); };
  const auto make_behind = [&] {
    behind([this](config::Answer answer) { tree_.make_directory("sub", std::move(answer)); });
  };
  make_behind();
  for (const bool is_seen : {true, false}) {
    ASSERT_EQ(write_file(at("sub/enable"), "1"), 0);
    ASSERT_EQ(make("sub/hosts/a"), 0);
    const int old = ::open(at("sub").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    behind([this](config::Answer answer) { tree_.remove_directory("sub", std::move(answer)); });
    struct stat found{};
    if (is_seen) {
      EXPECT_EQ(error_of(::fstatat(old, "enable", &found, 0)), ENOENT);
      EXPECT_EQ(error_of(::fstatat(old, "hosts", &found, 0)), ESTALE);
      EXPECT_EQ(error_of(::openat(old, "enable", O_RDONLY)), ESTALE);
      EXPECT_EQ(error_of(::mkdirat(old, "hosts/b", 0777)), ESTALE);
      EXPECT_EQ(error_of(::stat(at("sub").c_str(), &found)), ENOENT);
      EXPECT_EQ(error_of(::chdir(at("sub/hosts").c_str())), ENOENT);
    }
    make_behind();
    EXPECT_EQ(read_file(at("sub/enable")), "0\n");
    EXPECT_THAT(names_in(at("sub/hosts")), ElementsAre());
    EXPECT_EQ(make("sub/hosts/b"), 0);
    ::close(old);
  }
}

// The mode bits hold for others, whom only root's mount lets in.
TEST_F(MountTest, OthersLookAndChangeNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ASSERT_EQ(::chmod((directory_ / ".").c_str(), 0755), 0);
  ASSERT_EQ(make("sub"), 0);
  ASSERT_EQ(error_of(::symlink("/x", at("sub/hosts/link").c_str())), 0);
  const std::string enable = at("sub/enable");
  const std::string secret = at("sub/revalidate_size");
  const std::string below = at("sub/hosts/other");
  const std::string link = at("sub/hosts/link");
  const std::string sub = at("sub");
  struct stat found{};
  const struct {
    const char* what;
    int error;
    std::function<long()> call;
  } kCalls[] = {
      {"stat", 0, [&] { return ::stat(enable.c_str(), &found); }},
      {"read", 0, [&] { return ::open(enable.c_str(), O_RDONLY); }},
      {"ls", 0, [&] { return ::open(sub.c_str(), O_RDONLY | O_DIRECTORY); }},
      {"cd", 0, [&] { return ::chdir(sub.c_str()); }},
      {"may read", 0, [&] { return ::access(enable.c_str(), R_OK); }},
      {"may enter", 0, [&] { return ::access(sub.c_str(), R_OK | X_OK); }},
      {"may write", EACCES, [&] { return ::access(enable.c_str(), W_OK); }},
      {"may make", EACCES, [&] { return ::access(sub.c_str(), W_OK); }},
      {"may read what cannot be read", EACCES, [&] { return ::access(secret.c_str(), R_OK); }},
      {"write", EACCES, [&] { return ::open(enable.c_str(), O_WRONLY); }},
      {"write and read", EACCES, [&] { return ::open(enable.c_str(), O_RDWR); }},
      {"empty", EACCES, [&] { return ::truncate(enable.c_str(), 0); }},
      {"empty by open", EACCES, [&] { return ::open(enable.c_str(), O_WRONLY | O_TRUNC); }},
      {"touch", EPERM, [&] { return ::utimensat(AT_FDCWD, enable.c_str(), nullptr, 0); }},
      {"mkdir", EACCES, [&] { return ::mkdir(below.c_str(), 0777); }},
      {"symlink", EACCES, [&] { return ::symlink("/x", below.c_str()); }},
      {"rmdir", EACCES, [&] { return ::rmdir(sub.c_str()); }},
      {"unlink", EACCES, [&] { return ::unlink(link.c_str()); }},
      {"execute", EACCES, [&] { return ::execl(enable.c_str(), "x", nullptr); }},
  };
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(1);
    int wrong = 0;
    for (const auto& each : kCalls)
      if (const int error = error_of(each.call()); error != each.error)
        ::dprintf(STDERR_FILENO, "%s: errno %d and not %d\n", each.what, error, each.error), wrong = 2;
    ::_exit(wrong);
  }
  EXPECT_EQ(wait_for_end(child), 0);
  EXPECT_TRUE(tree_.writes().empty());
  EXPECT_THAT(names_in(at("sub/hosts")), ElementsAre("link"));
  EXPECT_EQ(error_of(::access(enable.c_str(), R_OK | W_OK)), 0);
  EXPECT_EQ(error_of(::access(secret.c_str(), R_OK)), EACCES) << "root passes no bit here";
}

TEST_F(MountTest, ARemovedDirectoryIsNotTheNextOneOfItsName) {
  ASSERT_EQ(make("sub"), 0);
  const ino_t first = status("sub").st_ino;
  EXPECT_EQ(status("sub").st_ino, first);
  const int old = ::open(at("sub").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(old, 0);
  ASSERT_EQ(remove("sub"), 0);
  ASSERT_EQ(make("sub"), 0);
  EXPECT_NE(status("sub").st_ino, first);
  EXPECT_EQ(error_of(::openat(old, "enable", O_RDONLY)), ENOENT);
  EXPECT_EQ(error_of(::mkdirat(old, "below", 0777)), ENOENT);
  ::close(old);
}

TEST_F(MountTest, ItForgetsWhatTheKernelForgets) {
  constexpr int kRounds = 300;
  for (int i = 0; i < kRounds; ++i) {
    const std::string name = "sub" + std::to_string(i);
    ASSERT_EQ(make(name), 0);
    ASSERT_EQ(write_file(at(name + "/enable"), "1"), 0);
    ASSERT_EQ(names_in(at(name)).size(), 5U);
    ASSERT_EQ(remove(name), 0);
  }
  EXPECT_TRUE(eventually([&] { return mount_->known_objects() <= 10; })) << mount_->known_objects();
}

}  // namespace
}  // namespace weft::faces
