// Little-endian integers of alignment 1, from which the wire structs are made, and the one way between a
// wire struct and bytes.  They read and assign like the native integer.
#pragma once

#include <boost/endian/arithmetic.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace weft::wire {

using le16 = boost::endian::little_uint16_t;
using le32 = boost::endian::little_uint32_t;
using le64 = boost::endian::little_uint64_t;
using be16 = boost::endian::big_uint16_t;
using be32 = boost::endian::big_uint32_t;
using be64 = boost::endian::big_uint64_t;

static_assert(sizeof(le16) == 2 && alignof(le16) == 1);
static_assert(sizeof(le32) == 4 && alignof(le32) == 1);
static_assert(sizeof(le64) == 8 && alignof(le64) == 1);

// What may be copied from and to the wire as it is: no padding is possible, since nothing has an alignment.
template <class T>
concept WireStruct = std::is_trivially_copyable_v<T> && alignof(T) == 1;

// A copy of the wire struct at the start of `bytes`; empty when there are too few.
template <WireStruct T>
std::optional<T> load(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <WireStruct T>
std::span<const std::byte, sizeof(T)> bytes_of(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

template <WireStruct T>
std::span<std::byte, sizeof(T)> writable_bytes_of(T& value) {
  return std::as_writable_bytes(std::span<T, 1>(&value, 1));
}

// An unsigned number of 128 bits, of which only the lower 64 are ever needed here (NVMCAP, SMART counters).
struct le128 {
  le64 low;
  le64 high;
};
static_assert(sizeof(le128) == 16 && alignof(le128) == 1);

}  // namespace weft::wire
