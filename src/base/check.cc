#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace weft {

void check_failed(const char* condition, const char* file, int line, const char* why) noexcept {
  std::fprintf(stderr, "weft: check failed: %s (%s:%d)%s%s\n", condition, file, line, *why ? ": " : "", why);
  std::abort();
}

}  // namespace weft
