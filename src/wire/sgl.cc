#include "wire/sgl.h"

#include <cstddef>

namespace weft::wire {
namespace {

constexpr std::uint16_t kFlagsByte = offsetof(Sqe, flags);
constexpr std::uint16_t kAddressByte = offsetof(Sqe, dptr) + offsetof(SglDescriptor, address);
constexpr std::uint16_t kLengthByte = offsetof(Sqe, dptr) + offsetof(SglDescriptor, length);
constexpr std::uint16_t kTypeByte = offsetof(Sqe, dptr) + offsetof(SglDescriptor, type);
constexpr std::uint8_t kPsdtBit = 6;

// A keyed descriptor has 3 bytes of length and 4 of key where the others have length and reserved bytes.
DataPointer parse_keyed(const SglDescriptor& sgl) {
  const std::uint32_t length = sgl.length & 0xFFFFFF;
  if (length == 0) return {};
  const std::uint32_t key = (sgl.length >> 24) | std::uint32_t{sgl.reserved[0]} << 8 |
                            std::uint32_t{sgl.reserved[1]} << 16 | std::uint32_t{sgl.reserved[2]} << 24;
  return {.kind = DataPointer::Kind::keyed,
          .length = length,
          .address = sgl.address,
          .key = key,
          .invalidate_key = sgl.type == kSglKeyedInvalidate};
}

void set_pointer(Sqe& sqe, std::uint8_t type, std::uint32_t length) {
  sqe.flags = static_cast<std::uint8_t>((sqe.flags & 0x3F) |
                                        static_cast<std::uint8_t>(Psdt::sgl_mptr_contiguous) << kPsdtBit);
  sqe.dptr = {.address = 0, .length = length, .reserved = {}, .type = type};
}

}  // namespace

Parsed<DataPointer> parse_data_pointer(const Sqe& sqe, SglSupport support) {
  if (sqe.psdt() != Psdt::sgl_mptr_contiguous) return refuse(status::kInvalidField, kFlagsByte, kPsdtBit);
  const SglDescriptor& sgl = sqe.dptr;
  const bool keyed = sgl.type == kSglKeyed || sgl.type == kSglKeyedInvalidate;
  if (keyed && support == SglSupport::keyed) return parse_keyed(sgl);
  if (sgl.type == kSglTransport && support == SglSupport::transport) {
    if (sgl.length == 0) return DataPointer{};
    return DataPointer{.kind = DataPointer::Kind::transport, .length = sgl.length};
  }
  if (sgl.type == kSglInCapsule) {
    if (sgl.length == 0) return DataPointer{};
    return DataPointer{.kind = DataPointer::Kind::in_capsule, .length = sgl.length, .offset = sgl.address};
  }
  return refuse(status::kSglDescriptorTypeInvalid, kTypeByte);
}

Parsed<DataPointer> check_in_capsule(const DataPointer& pointer, std::uint32_t capsule_data_bytes) {
  if (pointer.kind != DataPointer::Kind::in_capsule) return pointer;
  if (pointer.offset > capsule_data_bytes) return refuse(status::kSglOffsetInvalid, kAddressByte);
  if (pointer.length > capsule_data_bytes - pointer.offset)
    return refuse(status::kDataSglLengthInvalid, kLengthByte);
  return pointer;
}

void set_in_capsule(Sqe& sqe, std::uint32_t length) {
  set_pointer(sqe, kSglInCapsule, length);
}

void set_transport(Sqe& sqe, std::uint32_t length) {
  set_pointer(sqe, kSglTransport, length);
}

}  // namespace weft::wire
