#include "reactor/kernel.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <limits>
#include <span>

#include "base/text.h"

namespace weft::reactor {

namespace {

constexpr const char* kDisabledSysctl = "/proc/sys/kernel/io_uring_disabled";

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return std::string(trim(line));
}

std::string limit_text(std::uint64_t value) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value);
}

}  // namespace

std::optional<KernelVersion> parse_kernel_release(std::string_view release) {
  KernelVersion version;
  const std::span<const char> text = release;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  if (minor.ec != std::errc()) return std::nullopt;
  return version;
}

std::optional<KernelVersion> running_kernel() {
  utsname names{};
  if (::uname(&names) != 0) return std::nullopt;
  return parse_kernel_release(names.release);
}

Result<> check_kernel_release(std::string_view release) {
  const auto version = parse_kernel_release(release);
  if (version && *version >= kOldestKernel) return {};
  return fail(
      ENOSYS,
      fmt::format("kernel: release {} is {}; Linux {}.{} or newer is needed: boot a newer kernel", release,
                  version ? "too old" : "not understood", kOldestKernel.major, kOldestKernel.minor));
}

Error explain_ring_refusal(int error, std::string_view io_uring_disabled) {
  if (error == EPERM && io_uring_disabled == "2")
    return {error,
            "io_uring: kernel.io_uring_disabled is 2, which forbids it to everybody; it must be 0 (or 1 with "
            "this "
            "process in kernel.io_uring_group): run sysctl kernel.io_uring_disabled=0"};
  if (error == EPERM && io_uring_disabled == "1")
    return {error,
            "io_uring: kernel.io_uring_disabled is 1, which allows it to the group kernel.io_uring_group "
            "only; add "
            "this process's user to that group, or run sysctl kernel.io_uring_disabled=0"};
  if (error == EPERM || error == EACCES)
    return {
        error,
        "io_uring: the system call io_uring_setup is refused, most likely by a seccomp filter or a security "
        "module; it must be allowed: in a container, run it with a seccomp profile that allows "
        "io_uring_setup, "
        "io_uring_enter and io_uring_register"};
  if (error == ENOSYS)
    return {error,
            "io_uring: the kernel has no system call io_uring_setup; it must be built with CONFIG_IO_URING, "
            "and a "
            "seccomp filter may hide it: use another kernel, or a seccomp profile that allows io_uring"};
  if (error == EMFILE || error == ENFILE)
    return {error,
            "io_uring: no file descriptor is left for a ring; raise the limit of open files (LimitNOFILE=, "
            "ulimit -n, sysctl fs.file-max)"};
  if (error == ENOMEM)
    return {
        error,
        "io_uring: no memory for a ring; raise the memory limit of the control group, or the limit of locked "
        "memory (LimitMEMLOCK=, ulimit -l), or start fewer reactors"};
  return {error, fmt::format("io_uring: cannot set up a ring: {}", errno_text(error))};
}

Error explain_ring_refusal(int error) {
  return explain_ring_refusal(error, first_line(kDisabledSysctl));
}

std::vector<std::string> limit_warnings(const Limits& limits) {
  std::vector<std::string> warnings;
  if (limits.open_files_soft < kWantedOpenFiles)
    warnings.push_back(fmt::format(
        "open files: the limit is {} (hard limit {}), below {}; each connection and each backend takes one: "
        "raise "
        "LimitNOFILE= of the service or ulimit -Hn",
        limit_text(limits.open_files_soft), limit_text(limits.open_files_hard), kWantedOpenFiles));
  if (limits.locked_bytes < kWantedLockedBytes)
    warnings.push_back(
        fmt::format("locked memory: the limit is {} bytes, below {}; the kernel may count io_uring's memory "
                    "against it: raise LimitMEMLOCK= of the service or ulimit -l",
                    limit_text(limits.locked_bytes), kWantedLockedBytes));
  return warnings;
}

std::uint64_t holdable_bytes(std::uint64_t locked_bytes, bool is_exempt) {
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  return is_exempt || locked_bytes == RLIM_INFINITY ? kAll : locked_bytes / 2;
}

std::uint64_t holdable_bytes() {
  rlimit locked{};
  if (::getrlimit(RLIMIT_MEMLOCK, &locked) != 0) return 0;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  const bool is_exempt =
      ::syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & (1u << CAP_IPC_LOCK)) != 0;
  return holdable_bytes(locked.rlim_cur, is_exempt);
}

Result<std::vector<std::string>> probe_kernel() {
  utsname names{};
  if (::uname(&names) != 0) return fail_errno(errno, "kernel: uname");
  if (const auto release = check_kernel_release(names.release); !release)
    return std::unexpected(release.error());

  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    const rlimit raised{files.rlim_max, files.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  }
  rlimit locked{};
  if (::getrlimit(RLIMIT_MEMLOCK, &locked) != 0) locked.rlim_cur = RLIM_INFINITY;
  return limit_warnings({.open_files_soft = files.rlim_cur,
                         .open_files_hard = files.rlim_max,
                         .locked_bytes = locked.rlim_cur});
}

}  // namespace weft::reactor
