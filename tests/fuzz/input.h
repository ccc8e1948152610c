// What a fuzzer's input is made of, for those that play one end of a connection.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace weft {

// Read from its start; behind its end everything is zero.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::span<const std::byte> take(std::size_t most) {
    const auto taken = std::as_bytes(rest_.first(std::min(most, rest_.size())));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  template <class T>
  T value() {
    T value{};
    const auto bytes = take(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace weft
