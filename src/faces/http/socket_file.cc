#include "faces/http/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"

namespace weft::faces {

namespace {

constexpr int kBacklog = 1024;
constexpr std::chrono::seconds kLockTime{5};  // another weftd that starts holds it for a moment
constexpr std::chrono::milliseconds kLockRetryTime{5};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path.size() >= sizeof address.sun_path)
    return fail(ENAMETOOLONG, fmt::format("{}: a socket's path may have {} characters at most", path,
                                          sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// None: -1, which chown leaves as it is.
Result<gid_t> find_group(const std::string& group) {
  if (group.empty()) return static_cast<gid_t>(-1);
  std::vector<char> text(1 << 16);
  ::group entry{};
  ::group* found = nullptr;
  if (::getgrnam_r(group.c_str(), &entry, text.data(), text.size(), &found) == 0 && found != nullptr)
    return found->gr_gid;
  if (const auto number = parse_number(group, 0, 0xFFFFFFFE)) return static_cast<gid_t>(*number);
  return fail(EINVAL, fmt::format("group \"{}\": there is none of this name", group));
}

Result<> prepare_directory(const SocketOptions& options, const std::string& directory, gid_t group) {
  const mode_t mode = options.group.empty() ? 0700 : 0750;
  const bool made = ::mkdir(directory.c_str(), 0700) == 0;
  if (!made && errno != EEXIST)
    return fail_errno(errno, fmt::format("{}: cannot make the socket's directory", directory));
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0) return fail_errno(errno, directory);
  if (!S_ISDIR(status.st_mode)) return fail(ENOTDIR, fmt::format("{}: it is not a directory", directory));
  if (!made && !options.is_own_directory) return {};
  if (status.st_uid != ::geteuid())
    return fail(EPERM, fmt::format("{}: it belongs to user {}, not to this one; name another --socket",
                                   directory, status.st_uid));
  if (::chown(directory.c_str(), static_cast<uid_t>(-1), group) != 0 || ::chmod(directory.c_str(), mode) != 0)
    return fail_errno(errno,
                      fmt::format("{}: cannot be given to the group \"{}\"", directory, options.group));
  return {};
}

// Two that start at once look at the same name one after the other.
Result<> lock(int directory, const std::string& path) {
  const auto end = std::chrono::steady_clock::now() + kLockTime;
  while (::flock(directory, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(errno, path);
    if (std::chrono::steady_clock::now() > end)
      return fail(EBUSY, fmt::format("{}: another process keeps its directory locked", path));
    std::this_thread::sleep_for(kLockRetryTime);
  }
  return {};
}

// "weftd (process 17)".
std::string name_of_process(pid_t process) {
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", process)), name);
  return fmt::format("{} (process {})", name.empty() ? "somebody" : name, process);
}

// Who listens at the address; empty: nobody does any more.
Result<std::optional<std::string>> find_listener(const sockaddr_un& address, const std::string& path) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return fail_errno(errno, path);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED) return std::nullopt;
    if (errno == EAGAIN) return "somebody who is busy";
    return fail_errno(errno, path);
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_errno(errno, path);
  return name_of_process(peer.pid);
}

Result<> remove_stale(const sockaddr_un& address, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? Result<>() : fail_errno(errno, path);
  if (!S_ISSOCK(status.st_mode))
    return fail(EEXIST, fmt::format("{}: there is a file that is no socket", path));
  const auto listener = find_listener(address, path);
  if (!listener) return std::unexpected(listener.error());
  if (*listener)
    return fail(EADDRINUSE,
                fmt::format("{}: {} listens there; end it, or name another --socket", path, **listener));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno(errno, path);
  return {};
}

}  // namespace

Result<std::unique_ptr<SocketFile>> SocketFile::listen(const SocketOptions& options) {
  const auto& path = options.path;
  const auto address = address_of(path);
  const auto group = find_group(options.group);
  if (!address) return std::unexpected(address.error());
  if (!group) return std::unexpected(group.error());
  const std::string directory = std::filesystem::path(path).parent_path().string();
  if (auto prepared = prepare_directory(options, directory, *group); !prepared)
    return std::unexpected(std::move(prepared.error()));
  const Descriptor held(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (held.get() < 0) return fail_errno(errno, directory);
  if (auto locked = lock(held.get(), path); !locked) return std::unexpected(std::move(locked.error()));
  if (auto removed = remove_stale(*address, path); !removed)
    return std::unexpected(std::move(removed.error()));

  Descriptor bound(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (bound.get() < 0) return fail_errno(errno, path);
  if (::bind(bound.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return fail_errno(errno, fmt::format("{}: cannot be made", path));
  // Nobody can connect before it listens.
  struct stat status{};
  if (::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 ||
      ::chmod(path.c_str(), options.group.empty() ? 0600 : 0660) != 0 ||
      ::lstat(path.c_str(), &status) != 0 || ::listen(bound.get(), kBacklog) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return fail_errno(error, path);
  }
  return std::unique_ptr<SocketFile>(new SocketFile(path, bound.release(), status.st_dev, status.st_ino));
}

SocketFile::~SocketFile() {
  struct stat status{};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
    ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace weft::faces
