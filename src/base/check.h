// Assertions for our own mistakes.  They stay on in every build.  Nothing that a host, a file or a peer
// sent may trip one: input is answered with an error, never with a check.
#pragma once

namespace weft {

[[noreturn]] void check_failed(const char* condition, const char* file, int line, const char* why) noexcept;

}  // namespace weft

// WEFT_CHECK(condition) or WEFT_CHECK(condition, "why that must hold").
#define WEFT_CHECK(condition, ...)                                          \
  do {                                                                      \
    if (!(condition)) [[unlikely]]                                          \
      ::weft::check_failed(#condition, __FILE__, __LINE__, "" __VA_ARGS__); \
  } while (false)
