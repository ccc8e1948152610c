#include "backends/ramdisk/ram_budget.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

#include "base/check.h"
#include "base/text.h"

namespace weft::backends {

namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t machine_bytes(const std::string& root) {
  std::ifstream meminfo(root + "/proc/meminfo");
  std::string key;
  std::uint64_t kib = 0;
  while (meminfo >> key) {
    if (key == "MemTotal:" && meminfo >> kib) return kib * 1024;
    meminfo.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return kNoLimit;
}

// The smallest limit of the group and those above it.  A file that is not there, or says "max", limits
// nothing.
std::uint64_t group_bytes(const std::string& mount, std::string path, const char* file) {
  std::uint64_t least = kNoLimit;
  while (true) {
    std::ifstream limit(mount + path + "/" + file);
    std::string text;
    if (limit >> text) least = std::min(least, parse_number(text, 0, kNoLimit).value_or(kNoLimit));
    if (path.empty()) return least;
    path.erase(path.rfind('/'));
  }
}

bool names_memory(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").find(",memory,") != std::string::npos;
}

// Lines of /proc/self/cgroup: "0::/path" for v2, "5:memory:/path" for v1.
std::uint64_t groups_bytes(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  std::uint64_t least = kNoLimit;
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (!path.starts_with('/') || path == "/") path.clear();
    const std::string base = root + "/sys/fs/cgroup";
    if (controllers.empty()) least = std::min(least, group_bytes(base, path, "memory.max"));
    if (names_memory(controllers))
      least = std::min(least, group_bytes(base + "/memory", path, "memory.limit_in_bytes"));
  }
  return least;
}

}  // namespace

std::uint64_t RamBudget::default_limit(const std::string& root) {
  return std::min(machine_bytes(root), groups_bytes(root)) / 2;
}

bool RamBudget::reserve(std::uint64_t bytes) {
  std::uint64_t reserved = reserved_.load();
  do {
    if (bytes > limit_ - reserved) return false;
  } while (!reserved_.compare_exchange_weak(reserved, reserved + bytes));
  return true;
}

void RamBudget::release(std::uint64_t bytes) {
  WEFT_CHECK(reserved_.fetch_sub(bytes) >= bytes, "a RAM disk gives back what it reserved");
}

}  // namespace weft::backends
