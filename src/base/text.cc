#include "base/text.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace weft {

namespace {

constexpr std::string_view kUnits = "KMGTPE";
constexpr std::string_view kBlanks = " \t\r\n\f\v";

// All of `text` as digits of `base`, no sign.
std::optional<std::uint64_t> parse_digits(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// Takes the unit from the end of `text`: the power of two that it stands for, 0 without one.
std::optional<unsigned> take_unit(std::string_view& text) {
  const bool spelled_out = text.ends_with("iB");
  if (spelled_out) text.remove_suffix(2);
  if (text.empty()) return std::nullopt;
  const char last = text.back();
  if (last >= '0' && last <= '9') return spelled_out ? std::nullopt : std::optional(0u);
  const char upper = last >= 'a' && last <= 'z' ? static_cast<char>(last - 'a' + 'A') : last;
  const std::size_t place = kUnits.find(upper);
  if (place == std::string_view::npos) return std::nullopt;
  text.remove_suffix(1);
  return 10 * static_cast<unsigned>(place + 1);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool dash_before(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  const bool hex = text.starts_with("0x");
  const auto value = hex ? parse_digits(text.substr(2), 16) : parse_digits(text, 10);
  if (!value || *value < min || *value > max) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto shift = take_unit(text);
  if (!shift) return std::nullopt;
  const std::size_t point = text.find('.');
  const auto whole = parse_digits(text.substr(0, point), 10);
  if (!whole) return std::nullopt;
  __uint128_t bytes = static_cast<__uint128_t>(*whole) << *shift;
  if (point != std::string_view::npos) {
    constexpr std::size_t kMostDecimals = 15;  // keeps the product below 2^128
    const std::string_view decimals = text.substr(point + 1);
    const auto fraction = parse_digits(decimals, 10);
    if (!fraction || *shift == 0 || decimals.size() > kMostDecimals) return std::nullopt;
    std::uint64_t scale = 1;
    for (std::size_t i = 0; i < decimals.size(); ++i) scale *= 10;
    bytes += (static_cast<__uint128_t>(*fraction) << *shift) / scale;
  }
  if (bytes > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && (bytes >> (10 * (unit + 2))) != 0) ++unit;
  const unsigned shift = static_cast<unsigned>(10 * (unit + 1));
  const std::uint64_t whole = bytes >> shift;
  // Cut, not rounded: never more than there is.
  const std::uint64_t rest = bytes & ((std::uint64_t{1} << shift) - 1);
  const auto tenth = static_cast<unsigned>((static_cast<__uint128_t>(rest) * 10) >> shift);
  if (tenth == 0) return fmt::format("{} {}iB", whole, kUnits[unit]);
  return fmt::format("{}.{} {}iB", whole, tenth, kUnits[unit]);
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "0") return false;
  if (text == "1") return true;
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (dash_before(i)) {
      if (!text.starts_with('-')) return std::nullopt;
      text.remove_prefix(1);
    }
    if (!parse_hex(text.substr(0, 2), &uuid.bytes[i], 1)) return std::nullopt;
    text.remove_prefix(2);
  }
  if (!text.empty()) return std::nullopt;
  return uuid;
}

std::string uuid_text(const Uuid& uuid) {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (dash_before(i)) text += '-';
    text += hex_text(&uuid.bytes[i], 1);
  }
  return text;
}

std::string hex_text(const std::uint8_t* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

bool parse_hex(std::string_view text, std::uint8_t* bytes, std::size_t count) {
  if (text.size() != 2 * count) return false;
  for (const char c : text)
    if (hex_digit(c) < 0) return false;
  for (std::size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<std::uint8_t>(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
  return true;
}

std::string name_hash(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a, 64 bits
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return fmt::format("{:016x}", hash);
}

}  // namespace weft
