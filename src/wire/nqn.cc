#include "wire/nqn.h"

#include <algorithm>

namespace weft::wire {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

// "yyyy-mm." and at least one character of a domain.
bool starts_with_date_and_domain(std::string_view text) {
  if (text.size() < 9 || text[4] != '-' || text[7] != '.') return false;
  for (const std::size_t i : {0, 1, 2, 3, 5, 6})
    if (!is_digit(text[i])) return false;
  const int month = (text[5] - '0') * 10 + (text[6] - '0');
  return month >= 1 && month <= 12 && text[8] != ':' && text[8] != '.';
}

// Bytes of the UTF-8 sequence that starts the text; 0 when it is none (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (at(i) < 0x80 || at(i) > 0xBF) return 0;
  const unsigned char second = at(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second > 0x9F;
  const bool too_high = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_high ? 0 : length;
}

constexpr bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

NqnFlaw nqn_flaw(std::string_view nqn) {
  if (nqn.empty()) return NqnFlaw::empty;
  if (nqn.size() > kNqnMaxLength) return NqnFlaw::too_long;
  if (std::ranges::any_of(nqn, is_control)) return NqnFlaw::control_character;
  if (!is_valid_utf8(nqn)) return NqnFlaw::not_utf8;
  return NqnFlaw::none;
}

std::string_view describe(NqnFlaw flaw) {
  switch (flaw) {
    case NqnFlaw::none:
      return "is usable";
    case NqnFlaw::empty:
      return "must not be empty";
    case NqnFlaw::too_long:
      return "must not be longer than 223 bytes";
    case NqnFlaw::control_character:
      return "must not contain control characters";
    case NqnFlaw::not_utf8:
      return "must be UTF-8";
  }
  return "is unusable";
}

NqnForm nqn_form(std::string_view nqn) {
  constexpr std::string_view kPrefix = "nqn.";
  if (!is_usable_nqn(nqn) || !nqn.starts_with(kPrefix)) return NqnForm::other;
  if (nqn.starts_with(kUuidNqnPrefix))
    return is_uuid(nqn.substr(kUuidNqnPrefix.size())) ? NqnForm::uuid : NqnForm::other;
  return starts_with_date_and_domain(nqn.substr(kPrefix.size())) ? NqnForm::date : NqnForm::other;
}

void write_padded(std::span<char> field, std::string_view text) {
  const std::string_view kept = text.substr(0, field.size());
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7E ? c : '?'; };
  const auto end = std::ranges::transform(kept, field.begin(), printable).out;
  std::fill(end, field.end(), ' ');
}

void write_terminated(std::span<char> field, std::string_view text) {
  if (field.empty()) return;
  const std::string_view kept = text.substr(0, field.size() - 1);
  const auto end = std::ranges::copy(kept, field.begin()).out;
  std::fill(end, field.end(), '\0');
}

std::string_view read_padded(std::span<const char> field) {
  std::string_view text(field.data(), field.size());
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> read_terminated(std::span<const char> field) {
  const std::string_view text(field.data(), field.size());
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return text.substr(0, end);
}

}  // namespace weft::wire
