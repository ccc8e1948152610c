// What a host knows of a namespace, from what Identify says (NVMe Base 2.1, sections 5.1.13.2.1
// and 5.1.13.2.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ids.h"
#include "base/result.h"
#include "wire/identify.h"

namespace weft::host {

inline constexpr std::uint64_t kMostNamespaceBytes = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kMostCommandBlocks = 65536;  // that a command can name

struct NamespaceInfo {
  Nsid nsid;
  std::uint64_t blocks = 0;
  std::uint32_t block_bytes = 0;
  std::uint32_t metadata_bytes = 0;
  std::uint32_t ana_group = 0;
  bool write_protected = false;
  bool shared = false;
  std::optional<std::array<std::uint8_t, 16>> uuid;
  std::optional<std::array<std::uint8_t, 16>> nguid;
  std::optional<std::array<std::uint8_t, 8>> eui64;
  std::uint64_t bytes() const { return blocks * block_bytes; }
};

// An error for a namespace that is not active, or whose format nobody could use.
Result<NamespaceInfo> parse_namespace(Nsid nsid, const wire::IdentifyNamespace& ns);
// Adds its identifiers from the list of descriptors.
void take_descriptors(std::span<const std::byte> page, NamespaceInfo& info);
// By one of the identifiers that both have; or by number, where a target has none.
bool is_same_namespace(const NamespaceInfo& a, const NamespaceInfo& b);

}  // namespace weft::host
