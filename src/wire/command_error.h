// Why a command's parser refused it: the status for the completion and the guilty field for the Parameter
// Error Location of the error information log page (NVMe Base 2.1, section 5.1.12.1.2).
#pragma once

#include <cstdint>
#include <expected>

#include "wire/status.h"

namespace weft::wire {

struct CommandError {
  Status status;                          // parsers set DNR: the same bytes will always be refused
  std::uint16_t location_byte = kNoByte;  // within the submission queue entry
  std::uint8_t location_bit = 0;          // within that byte

  static constexpr std::uint16_t kNoByte = 0xFFFF;  // not one field's fault

  constexpr bool operator==(const CommandError&) const = default;

  // The Parameter Error Location field.
  constexpr std::uint16_t location() const {
    if (location_byte == kNoByte) return 0xFFFF;
    return static_cast<std::uint16_t>((location_byte & 0xFF) | (location_bit & 7) << 8);
  }
};

template <class T>
using Parsed = std::expected<T, CommandError>;

constexpr std::unexpected<CommandError> refuse(Status status,
                                               std::uint16_t location_byte = CommandError::kNoByte,
                                               std::uint8_t location_bit = 0) {
  return std::unexpected(CommandError{status.with_dnr(), location_byte, location_bit});
}

}  // namespace weft::wire
