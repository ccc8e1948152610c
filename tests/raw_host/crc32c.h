// CRC32C by a table, written for these tests: a witness that shares nothing with the target's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weft::raw_host {

std::uint32_t crc32c(std::span<const std::byte> bytes);

}  // namespace weft::raw_host
