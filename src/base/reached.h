// Names for error branches, so that a build can tell which of them no test comes to:
// WEFT_REACHED("tcp.digest_wrong") stands in the branch, and scripts/coverage fails when none of the tests
// has been there.  In any other build than the coverage preset's (WEFT_COVERAGE) nothing is left of them.
//
// A name is that of the branch, not of the function: lower-case words joined by '_', after the part of the
// program and a dot, in one place of the sources only.  Any thread may come by.  A mark may not stand in a
// constexpr function.
#pragma once

#ifdef WEFT_COVERAGE

#include <atomic>

namespace weft {

// The first time makes an empty file of the mark's name in the directory that $WEFT_MARKS_DIR names: at once,
// since many of the processes that come to an error branch are killed before they could do so at their end,
// and a file rather than a line of one, since some come there because they can write nothing more.
void note_reached(std::atomic<bool>& noted, const char* name) noexcept;

// For a process that ends without exit(): the lines it has run count all the same.
void keep_coverage() noexcept;

}  // namespace weft

#define WEFT_REACHED(name)                         \
  do {                                             \
    static std::atomic<bool> weft_is_noted{false}; \
    ::weft::note_reached(weft_is_noted, name);     \
  } while (false)

#else

namespace weft {

constexpr void keep_coverage() {}

}  // namespace weft

#define WEFT_REACHED(name) static_cast<void>(0)

#endif
