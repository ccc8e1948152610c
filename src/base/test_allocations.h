// Counts what a test program allocates with new.  It replaces the program's operators: one source of a
// program includes it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace weft::test {

inline std::atomic<std::uint64_t> allocations{0};

// Inlined, GCC takes its malloc for new's and complains of free.
[[gnu::noinline]] inline void* allocate(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace weft::test

void* operator new(std::size_t bytes) {
  return weft::test::allocate(bytes);
}
void* operator new[](std::size_t bytes) {
  return weft::test::allocate(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
