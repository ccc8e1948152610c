#include "reactor/cpu_delay.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

namespace weft::reactor {

void CpuDelay::open() {
  file_ = Descriptor(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
}

std::optional<Duration> CpuDelay::read() {
  if (file_.get() < 0) return std::nullopt;
  // Nanoseconds that it ran, nanoseconds that it waited, how often it ran.
  std::array<char, 128> text{};
  const auto size = ::pread(file_.get(), text.data(), text.size(), 0);
  if (size <= 0) return std::nullopt;
  const char* const end = text.data() + size;
  const auto* const gap =
      static_cast<const char*>(std::memchr(text.data(), ' ', static_cast<std::size_t>(size)));
  Duration::rep waited = 0;
  if (gap == nullptr || std::from_chars(gap + 1, end, waited).ec != std::errc()) return std::nullopt;
  return Duration(waited);
}

}  // namespace weft::reactor
