#include "base/reached.h"

#ifdef WEFT_COVERAGE

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>

extern "C" void __gcov_dump();  // of libgcov, whose header is for C alone

namespace weft {

void note_reached(std::atomic<bool>& noted, const char* name) noexcept {
  if (noted.exchange(true, std::memory_order_relaxed)) return;
  const char* const directory = std::getenv("WEFT_MARKS_DIR");
  if (directory == nullptr) return;
  char path[PATH_MAX];
  (void)std::snprintf(path, sizeof path, "%s/%s", directory, name);
  const int file = ::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file >= 0) ::close(file);
}

void keep_coverage() noexcept {
  __gcov_dump();
}

}  // namespace weft

#endif
