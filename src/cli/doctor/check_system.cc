#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "cli/doctor/checks.h"
#include "reactor/reactor.h"

namespace weft::cli::doctor {

namespace {

constexpr std::uint64_t kWantedBacklog = 1024;            // of hosts that connect at once
constexpr std::uint64_t kWantedWindow = 4 * 1024 * 1024;  // 10 Gbit/s over 3 ms

std::vector<std::uint64_t> numbers_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 0; in >> number;) numbers.push_back(number);
  return numbers;
}

Finding check_backlog(const std::filesystem::path& root) {
  const auto found = numbers_in(root / "proc/sys/net/core/somaxconn");
  if (found.empty()) return {"net.core.somaxconn", State::none, "this kernel does not show it"};
  if (found[0] >= kWantedBacklog) return {"net.core.somaxconn", State::good, fmt::to_string(found[0])};
  return {
      "net.core.somaxconn", State::warning,
      fmt::format("{}: when more hosts than that connect at once, some wait a second and longer: sysctl -w "
                  "net.core.somaxconn=4096",
                  found[0])};
}

Finding check_window(const std::filesystem::path& root, const std::string& name) {
  const auto found = numbers_in(root / "proc/sys/net/ipv4" / name);
  const std::string what = "net.ipv4." + name;
  if (found.size() < 3) return {what, State::none, "this kernel does not show it"};
  if (found[2] >= kWantedWindow) return {what, State::good, fmt::format("{} at most", found[2])};
  return {what, State::warning,
          fmt::format("{} bytes of a connection are under way at most, too few for fast networks: sysctl -w "
                      "{}=\"{} {} {}\"",
                      found[2], what, found[0], found[1], kWantedWindow)};
}

Finding check_fuse(const std::filesystem::path& root) {
  if (!std::filesystem::exists(root / "dev/fuse"))
    return {"/dev/fuse", State::warning,
            "it is missing, and with it the tree of the configuration: modprobe fuse"};
  const bool has_helper = std::filesystem::exists(root / "usr/bin/fusermount3") ||
                          std::filesystem::exists(root / "bin/fusermount3");
  if (!has_helper && ::geteuid() != 0)
    return {"/dev/fuse", State::warning,
            "fusermount3 is missing, without which only root mounts the tree: apt-get install fuse3"};
  return {"/dev/fuse", State::good, "the configuration can be a directory"};
}

Finding check_ublk(const std::filesystem::path& root) {
  if (std::filesystem::exists(root / "dev/ublk-control"))
    return {"/dev/ublk-control", State::good, "weft attach can make block devices"};
  return {"/dev/ublk-control", State::none,
          "weft attach makes NBD sockets and files; for block devices: modprobe ublk_drv"};
}

}  // namespace

Findings check_system(const std::filesystem::path& root) {
  return {check_backlog(root), check_window(root, "tcp_rmem"), check_window(root, "tcp_wmem"),
          check_fuse(root), check_ublk(root)};
}

Findings check_reactor() {
  utsname system{};
  const bool is_known = ::uname(&system) == 0;
  Findings all{{"kernel", State::good, is_known ? system.release : "its release is not known"}};
  const auto reactors = reactor::Reactors::start({.count = 1, .name = "weft-doctor"});
  if (!reactors) {
    all.push_back({"io_uring", State::bad, reactors.error().message});
    return all;
  }
  all.push_back({"io_uring", State::good, "a reactor starts"});
  for (const std::string& warning : (*reactors)->warnings())
    all.push_back({"limit", State::warning, warning});
  if ((*reactors)->warnings().empty())
    all.push_back({"limits", State::good, "open files and locked memory suffice"});
  return all;
}

}  // namespace weft::cli::doctor
