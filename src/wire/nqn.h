// NVMe Qualified Names (NVMe Base 2.1, section 4.7), and fixed-size text fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weft::wire {

inline constexpr std::size_t kNqnMaxLength = 223;
inline constexpr std::string_view kDiscoveryNqn = "nqn.2014-08.org.nvmexpress.discovery";
inline constexpr std::string_view kUuidNqnPrefix = "nqn.2014-08.org.nvmexpress:uuid:";

enum class NqnFlaw : std::uint8_t { none, empty, too_long, control_character, not_utf8 };
std::string_view describe(NqnFlaw flaw);  // a rule for people: "must not be longer than 223 bytes"

// What every name must obey to be used at all.  As Linux does, names that are not of the specification's two
// forms are let through: configurations with "testnqn" exist.
NqnFlaw nqn_flaw(std::string_view nqn);
inline bool is_usable_nqn(std::string_view nqn) {
  return nqn_flaw(nqn) == NqnFlaw::none;
}

enum class NqnForm : std::uint8_t {
  date,   // nqn.yyyy-mm.reverse.domain[:anything]
  uuid,   // nqn.2014-08.org.nvmexpress:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx
  other,  // not what the specification asks for: worth a word to the administrator
};
NqnForm nqn_form(std::string_view nqn);

bool is_valid_utf8(std::string_view text);

// ASCII text, padded with spaces, cut when it is longer; anything that is not printable ASCII becomes '?'.
void write_padded(std::span<char> field, std::string_view text);
// NUL padded; the field keeps at least one NUL: longer text is cut.
void write_terminated(std::span<char> field, std::string_view text);

// The text of a space padded field, without the padding (NULs at the end count as padding too).
std::string_view read_padded(std::span<const char> field);
// The text before the first NUL; empty optional when there is none in the field.
std::optional<std::string_view> read_terminated(std::span<const char> field);

}  // namespace weft::wire
