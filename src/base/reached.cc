#include "base/reached.h"

#ifdef WEFT_COVERAGE

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

extern "C" void __gcov_dump();  // of libgcov, whose header is for C alone

namespace weft {

void note_reached(std::atomic<bool>& noted, const char* line) noexcept {
  if (noted.exchange(true, std::memory_order_relaxed)) return;
  const char* const path = std::getenv("WEFT_MARKS_FILE");
  if (path == nullptr) return;
  const int file = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return;
  // One call: what others append at the same time comes before or behind it.
  (void)!::write(file, line, std::strlen(line));
  ::close(file);
}

void keep_coverage() noexcept {
  __gcov_dump();
}

}  // namespace weft

#endif
