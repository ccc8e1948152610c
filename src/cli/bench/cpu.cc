#include "cli/bench/cpu.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "base/text.h"
#include "net/address.h"

namespace weft::cli::bench {

namespace {

using Seconds = std::chrono::duration<double>;

Seconds seconds_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

// The inode of the socket that listens on the port, out of /proc/net/tcp or tcp6: "sl local rem st ...
// inode".
std::string listening_inode(const char* table, std::uint16_t port) {
  constexpr std::string_view kListening = "0A";
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
    if (state == kListening && local.ends_with(fmt::format(":{:04X}", port))) return inode;
  }
  return {};
}

std::optional<pid_t> holder_of(const std::string& inode) {
  namespace fs = std::filesystem;
  const std::string wanted = fmt::format("socket:[{}]", inode);
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    const auto pid = parse_number(process.path().filename().string(), 1, 1u << 30);
    if (!pid) continue;
    std::error_code unreadable;  // another user's, or it has ended
    for (const auto& open : fs::directory_iterator(process.path() / "fd", unreadable))
      if (fs::read_symlink(open.path(), unreadable) == wanted) return static_cast<pid_t>(*pid);
  }
  return std::nullopt;
}

}  // namespace

Seconds own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

std::optional<Seconds> cpu_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text;
  std::getline(file, text);
  // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th behind it.
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream words(text.substr(end + 1));
  std::string word;
  constexpr int kBefore = 11;
  for (int i = 0; i < kBefore; ++i) words >> word;
  long user = 0;
  long system = 0;
  words >> user >> system;
  return Seconds(static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

std::optional<pid_t> listener_of(const std::string& traddr, std::uint16_t port) {
  const auto address = net::Address::parse(traddr, port);
  if (!address || !address->is_loopback()) return std::nullopt;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"})
    if (const std::string inode = listening_inode(table, port); !inode.empty()) return holder_of(inode);
  return std::nullopt;
}

}  // namespace weft::cli::bench
