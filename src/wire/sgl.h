// Where a command's data is: the data pointer of a submission queue entry over a Fabric (NVMe Base 2.1,
// section 4.3.2, and the transport's rules).
#pragma once

#include <cstdint>

#include "wire/command_error.h"
#include "wire/sqe.h"

namespace weft::wire {

enum class SglType : std::uint8_t {
  data_block = 0x0,
  bit_bucket = 0x1,
  segment = 0x2,
  last_segment = 0x3,
  keyed_data_block = 0x4,
  transport_data_block = 0x5,
  vendor_specific = 0xF,
};

enum class SglSubtype : std::uint8_t {
  address = 0x0,
  offset = 0x1,
  invalidate_key = 0xF,      // keyed data block
  transport_specific = 0xA,  // transport data block
};

constexpr std::uint8_t sgl_id(SglType type, SglSubtype subtype) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(type) << 4 | static_cast<std::uint8_t>(subtype));
}
inline constexpr std::uint8_t kSglInCapsule = sgl_id(SglType::data_block, SglSubtype::offset);
inline constexpr std::uint8_t kSglTransport =
    sgl_id(SglType::transport_data_block, SglSubtype::transport_specific);
inline constexpr std::uint8_t kSglKeyed = sgl_id(SglType::keyed_data_block, SglSubtype::address);
inline constexpr std::uint8_t kSglKeyedInvalidate =
    sgl_id(SglType::keyed_data_block, SglSubtype::invalidate_key);

struct DataPointer {
  enum class Kind : std::uint8_t {
    none,        // length 0
    in_capsule,  // the bytes came with the command
    transport,   // TCP: by R2T and data PDUs
    keyed,       // RDMA: remote memory
  };
  Kind kind = Kind::none;
  std::uint32_t length = 0;     // bytes
  std::uint64_t offset = 0;     // in_capsule: from the start of the capsule's data (ICDOFF 0)
  std::uint64_t address = 0;    // keyed
  std::uint32_t key = 0;        // keyed
  bool invalidate_key = false;  // keyed: the host wants the key invalidated with the completion
  constexpr bool operator==(const DataPointer&) const = default;
};

// What a transport can move besides data in the capsule.
enum class SglSupport : std::uint8_t { transport, keyed };

// PSDT other than 01b: Invalid Field (byte 1, bit 6).  A descriptor that the transport has no use for: SGL
// Descriptor Type Invalid (byte 39).
Parsed<DataPointer> parse_data_pointer(const Sqe& sqe, SglSupport support);

// In-capsule data against the bytes that really came: SGL Offset Invalid or Data SGL Length Invalid. Anything
// but in_capsule passes.
Parsed<DataPointer> check_in_capsule(const DataPointer& pointer, std::uint32_t capsule_data_bytes);

// Data pointers as a host writes them; each also sets PSDT.
void set_in_capsule(Sqe& sqe, std::uint32_t length);
void set_transport(Sqe& sqe, std::uint32_t length);

}  // namespace weft::wire
