// Text that people write: numbers, sizes, UUIDs.  Every parser takes the whole text or nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

// Decimal, or hexadecimal with 0x; empty when it is not a number or not within [min, max].
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max);

// "4096", "64K", "1.5G", "2TiB" (powers of 1024): bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);  // "1.5 GiB"

// "0" or "1".
std::optional<bool> parse_bool(std::string_view text);

std::string_view trim(std::string_view text);

// RFC 4122, network order, lower case text.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
};
std::optional<Uuid> parse_uuid(std::string_view text);
std::string uuid_text(const Uuid& uuid);

std::string hex_text(const std::uint8_t* bytes, std::size_t count);  // lower case
bool parse_hex(std::string_view text, std::uint8_t* bytes, std::size_t count);

// 16 hexadecimal digits that stay the same in every run and version.
std::string name_hash(std::string_view text);

}  // namespace weft
