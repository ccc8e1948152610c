#include "backends/fd/direct_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>

#include "block/control.h"

namespace weft::backends {

namespace {

constexpr std::uint32_t kSmallBytes = 512;
constexpr std::uint32_t kLargeBytes = 4096;

}  // namespace

std::optional<DirectLimits> direct_limits(int fd) {
  struct statx status{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) != 0) return std::nullopt;
  if ((status.stx_mask & STATX_DIOALIGN) == 0) return std::nullopt;
  return DirectLimits{status.stx_dio_offset_align, status.stx_dio_mem_align};
}

bool reads_small_blocks(int fd) {
  alignas(kLargeBytes) std::byte memory[kSmallBytes];
  // The second block of 512 bytes: it begins where a larger one does not.
  return ::pread(fd, memory, sizeof memory, kSmallBytes) >= 0 || errno != EINVAL;
}

Result<std::uint32_t> choose_block_bytes(const block::OpenOptions& options, std::uint32_t least,
                                         std::string_view of) {
  const auto read = control_block_bytes(options);
  if (!read) return std::unexpected(read.error());
  const std::optional<std::uint32_t> chosen = *read;
  if (least > kLargeBytes)
    return fail(EINVAL,
                fmt::format("{}: {} takes blocks of at least {} bytes; larger ones than {} are not supported",
                            options.name, of, least, kLargeBytes));
  if (!chosen) return least <= kSmallBytes ? kSmallBytes : kLargeBytes;
  if (*chosen < least)
    return fail(EINVAL, fmt::format("{}: block_size={}: {} takes blocks of at least {} bytes; give "
                                    "block_size={} or leave it out",
                                    options.name, *chosen, of, least, kLargeBytes));
  return *chosen;
}

}  // namespace weft::backends
