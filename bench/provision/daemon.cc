#include "provision/daemon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace weft::bench {

void give_up(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(1);
}

Folder::Folder(const std::string& parent) : path_(parent + "/weft-bench-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) give_up(fmt::format("{}: {}", path_, std::strerror(errno)));
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Daemon::Daemon(const Folder& folder) : tree_(folder / "tree"), socket_(folder / "run/weftd.sock") {
  std::vector<std::string> words = {
      WEFTD,         "--tree",         tree_,     "--socket",          socket_,
      "--state-dir", folder / "state", "--store", folder / "store.db", "--log-level",
      "off"};
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  if (::posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ) != 0)
    give_up(fmt::format("{} does not start", WEFTD));
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  // The socket comes behind the tree.
  std::string said;
  char bytes[256];
  while (said.find("the configuration is at") == std::string::npos || !std::filesystem::exists(socket_)) {
    const ssize_t count = ::read(ends[0], bytes, sizeof(bytes));
    if (count <= 0) give_up(fmt::format("weftd ended: {}", said));
    said.append(bytes, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
}

Daemon::~Daemon() {
  ::kill(pid_, SIGKILL);
  ::umount2(tree_.c_str(), MNT_DETACH);
  ::waitpid(pid_, nullptr, 0);
}

std::uint64_t Daemon::resident_bytes() const {
  std::ifstream file(fmt::format("/proc/{}/statm", pid_));
  std::uint64_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, generic, length) != 0 || ::getsockname(fd, generic, &length) != 0) give_up("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace weft::bench
