// What the running kernel offers and allows, asked once at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::reactor {

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};

// Multishot receive, provided-buffer rings and deferred task work in the form used here.
inline constexpr KernelVersion kOldestKernel{6, 1};

// From here on a ring's table of files gives up an entry when the operations on that entry have ended.
inline constexpr KernelVersion kGivesEntriesBackAtOnce{6, 13};

// "6.1.0-18-amd64" is 6.1.
std::optional<KernelVersion> parse_kernel_release(std::string_view release);

std::optional<KernelVersion> running_kernel();

// ENOSYS when the release is older than kOldestKernel, or is not to be understood.
Result<> check_kernel_release(std::string_view release);

// Why the kernel refused to set up a ring, and what to do.  `io_uring_disabled`: content of that sysctl,
// empty if there is none.
Error explain_ring_refusal(int error, std::string_view io_uring_disabled);
Error explain_ring_refusal(int error);  // reads the sysctl

struct Limits {
  std::uint64_t open_files_soft = 0;
  std::uint64_t open_files_hard = 0;
  std::uint64_t locked_bytes = 0;
};
inline constexpr std::uint64_t kWantedOpenFiles = 65536;
inline constexpr std::uint64_t kWantedLockedBytes = 8 * 1024 * 1024;

std::vector<std::string> limit_warnings(const Limits& limits);

// How much memory rings may have the kernel hold for their transfers.  The limit of locked memory is the
// user's, not the process's: half of it is left to rings that are yet to be opened and to his other programs.
std::uint64_t holdable_bytes(std::uint64_t locked_bytes, bool is_exempt);
std::uint64_t holdable_bytes();  // of this process

// Checks the release, raises the soft limit of open files to the hard one; what it returns is worth a
// warning.
Result<std::vector<std::string>> probe_kernel();

}  // namespace weft::reactor
