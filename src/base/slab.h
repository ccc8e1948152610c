// Objects of one type, taken from chunks that grow and are kept: no allocation on the steady path.
// Belongs to one loop.  Objects are constructed by take() and destroyed by give_back().
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"

namespace weft {

template <class T, std::size_t kPerChunk = 64>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() { WEFT_CHECK(taken_ == 0, "objects of a slab do not outlive it"); }

  template <class... Args>
  T& take(Args&&... args) {
    if (free_ == nullptr) grow();
    Cell* cell = free_;
    free_ = cell->next;
    ++taken_;
    return *::new (static_cast<void*>(cell->bytes)) T(std::forward<Args>(args)...);
  }

  void give_back(T& object) {
    object.~T();
    auto* cell = ::new (static_cast<void*>(&object)) Cell;
    cell->next = free_;
    free_ = cell;
    --taken_;
  }

  std::size_t taken() const { return taken_; }

 private:
  union Cell {
    Cell() : next(nullptr) {}
    Cell* next;
    alignas(T) std::byte bytes[sizeof(T)];
  };

  void grow() {
    chunks_.push_back(std::make_unique<Cell[]>(kPerChunk));
    Cell* chunk = chunks_.back().get();
    for (std::size_t i = kPerChunk; i-- > 0;) {
      chunk[i].next = free_;
      free_ = &chunk[i];
    }
  }

  Cell* free_ = nullptr;
  std::size_t taken_ = 0;
  std::vector<std::unique_ptr<Cell[]>> chunks_;
};

}  // namespace weft
