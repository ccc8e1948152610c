#include "fuse/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weft::fuse {

namespace {

constexpr const char* kMountHelper = "fusermount3";
constexpr int kMostDeadMounts = 100;  // one above the other

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  constexpr std::size_t kDigits = 3;
  constexpr int kOctal = 8;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || text.size() - i <= kDigits) {
      plain += text[i];
      continue;
    }
    plain +=
        static_cast<char>(std::strtol(std::string(text.substr(i + 1, kDigits)).c_str(), nullptr, kOctal));
    i += kDigits;
  }
  return plain;
}

Result<std::optional<MountedThere>> look_at_mounts(const std::string& directory) {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(EIO, "/proc/self/mountinfo cannot be read: mount /proc");
  return mounted_there(text.view(), directory);
}

Result<> make_directories(const std::filesystem::path& directory) {
  constexpr mode_t kMode = 0755;
  std::filesystem::path made;
  for (const auto& part : directory) {
    made /= part;
    if (::mkdir(made.c_str(), kMode) == 0 || errno == EEXIST) continue;
    const int code = errno;
    struct stat status{};  // on a read-only file system a directory that exists says EROFS
    if (::stat(made.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
      return fail_errno(code, fmt::format("{}: cannot create the directory", made.native()));
  }
  return {};
}

// Of the parent only: the last part may be a dead mount, which answers nothing.
Result<std::string> canonical_place(const std::filesystem::path& directory) {
  std::error_code error;
  const auto parent = std::filesystem::canonical(directory.parent_path(), error);
  if (error) return fail_errno(error.value(), directory.parent_path().native());
  const std::filesystem::path whole = parent / directory.filename();
  if (!std::filesystem::is_symlink(std::filesystem::symlink_status(whole, error))) return whole.native();
  const auto target = std::filesystem::canonical(whole, error);
  if (error) return fail_errno(error.value(), fmt::format("{}: the link leads nowhere", whole.native()));
  return target.native();
}

Result<> detach_dead_mounts(const std::string& directory) {
  for (int i = 0; i < kMostDeadMounts; ++i) {
    const auto found = look_at_mounts(directory);
    if (!found) return std::unexpected(found.error());
    const std::optional<MountedThere>& mounted = *found;
    if (!mounted) return {};
    if (mounted->type != kMountType)
      return fail(EBUSY,
                  fmt::format("{}: a file system is mounted there already ({} of type {}); unmount it or "
                              "choose another directory",
                              directory, mounted->source, mounted->type));
    struct stat status{};
    if (::stat(directory.c_str(), &status) == 0 || errno != ENOTCONN)
      return fail(
          EBUSY, fmt::format("{}: a running weftd serves its tree there; stop it or choose another directory",
                             directory));
    if (const Result<> detached = detach_mount(directory); !detached) return detached;
  }
  return fail(EBUSY, fmt::format("{}: dead mounts that do not go away; unmount them", directory));
}

Result<> check_empty(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error))
    return fail(ENOTDIR, fmt::format("{}: not a directory; the tree is mounted on an empty one", directory));
  const bool empty = std::filesystem::is_empty(directory, error);
  if (error) return fail_errno(error.value(), directory);
  if (!empty)
    return fail(ENOTEMPTY,
                fmt::format("{}: the directory is not empty and the mount would hide what is in it; "
                            "choose an empty one",
                            directory));
  return {};
}

// libfuse looks where it was built for, and then where PATH says.
bool has_mount_helper() {
  const char* const variable = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::istringstream path(std::string("/usr/bin:/bin:/usr/local/bin:") +
                          (variable == nullptr ? "" : variable));
  for (std::string place; std::getline(path, place, ':');)
    if (::access((place + "/" + kMountHelper).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace

std::optional<MountedThere> mounted_there(std::string_view mountinfo, std::string_view directory) {
  std::optional<MountedThere> top;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    constexpr int kMountPointWord = 4;
    for (int i = 0; i <= kMountPointWord; ++i) words >> word;
    if (unescape(word) != directory) continue;
    while (words >> word && word != "-") {  // optional fields
    }
    MountedThere mounted;
    if (words >> mounted.type >> mounted.source) {
      mounted.source = unescape(mounted.source);
      top = std::move(mounted);  // the last line is the one on top
    }
  }
  return top;
}

Result<std::string> prepare_mount_point(const std::string& directory) {
  std::filesystem::path path = std::filesystem::path(directory).lexically_normal();
  if (!path.is_absolute())
    return fail(EINVAL, fmt::format("'{}': the directory's path must begin with /", directory));
  if (!path.has_filename()) path = path.parent_path();  // a slash at the end
  if (path == path.root_path())
    return fail(EBUSY, "/: the tree cannot be mounted there; choose an empty directory");
  if (const Result<> made = make_directories(path.parent_path()); !made) return std::unexpected(made.error());
  Result<std::string> whole = canonical_place(path);
  if (!whole) return whole;
  if (const Result<> detached = detach_dead_mounts(*whole); !detached)
    return std::unexpected(detached.error());
  if (const Result<> made = make_directories(*whole); !made) return std::unexpected(made.error());
  if (const Result<> empty = check_empty(*whole); !empty) return std::unexpected(empty.error());
  return whole;
}

Result<> check_fuse_available() {
  const int device = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0)
    return fail(
        errno,
        fmt::format("/dev/fuse cannot be opened ({}): load the kernel's module (modprobe fuse), and give "
                    "this user or container the device",
                    errno_text(errno)));
  ::close(device);
  if (::geteuid() != 0 && !has_mount_helper())
    return fail(ENOENT,
                "fusermount3 is not installed, and without it only root can mount the tree: install the "
                "package fuse3, or run as root");
  return {};
}

Result<> detach_mount(const std::string& directory) {
  if (::geteuid() == 0) {
    if (::umount2(directory.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
    return fail_errno(errno, fmt::format("{}: cannot detach the dead mount of weft", directory));
  }
  std::string words[] = {kMountHelper, "-u", "-z", "-q", "--", directory};
  char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                      words[4].data(), words[5].data(), nullptr};
  pid_t helper = -1;
  int status = -1;
  if (::posix_spawnp(&helper, kMountHelper, nullptr, nullptr, pointers, environ) == 0)
    while (::waitpid(helper, &status, 0) < 0 && errno == EINTR) {
    }
  if (status == 0) return {};
  return fail(
      EPERM,
      fmt::format("{0}: a dead mount of weft, which fusermount3 does not detach; as root: umount -l {0}",
                  directory));
}

}  // namespace weft::fuse
