// Memory that starts on a page, as data of block requests must.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace weft {

inline constexpr std::size_t kPageMemoryBytes = 4096;  // what it starts on and is a multiple of

struct FreePageMemory {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using PageMemory = std::unique_ptr<std::byte[], FreePageMemory>;

// Null: there is none.
inline PageMemory page_memory(std::size_t bytes) {
  const std::size_t pages = (bytes + kPageMemoryBytes - 1) / kPageMemoryBytes;
  return PageMemory(static_cast<std::byte*>(std::aligned_alloc(kPageMemoryBytes, pages * kPageMemoryBytes)));
}

}  // namespace weft
