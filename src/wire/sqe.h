// Submission and completion queue entries (NVMe Base 2.1, sections 4.1 and 4.2).  Command dwords are read by
// the parsers of this folder only; everybody else uses the typed commands.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"
#include "wire/status.h"

namespace weft::wire {

enum class Fuse : std::uint8_t { none = 0, first = 1, second = 2, reserved = 3 };

// PRP or SGL for Data Transfer.  Fabrics allow sgl_mptr_contiguous only.
enum class Psdt : std::uint8_t { prp = 0, sgl_mptr_contiguous = 1, sgl_mptr_segment = 2, reserved = 3 };

// The 16 bytes of an SGL descriptor; wire/sgl.h gives them a meaning.
struct SglDescriptor {
  le64 address;  // an address, or an offset into the capsule
  le32 length;   // bytes
  std::uint8_t reserved[3];
  std::uint8_t type;  // bits 7:4 type, 3:0 sub type
};
static_assert(sizeof(SglDescriptor) == 16);

struct Sqe {
  std::uint8_t opcode;
  std::uint8_t flags;  // bits 1:0 FUSE, 7:6 PSDT
  le16 cid;
  le32 nsid;  // Fabrics commands: the first byte is FCTYPE
  le32 cdw2;
  le32 cdw3;
  le64 mptr;
  SglDescriptor dptr;
  le32 cdw10;
  le32 cdw11;
  le32 cdw12;
  le32 cdw13;
  le32 cdw14;
  le32 cdw15;

  Fuse fuse() const { return static_cast<Fuse>(flags & 3); }
  Psdt psdt() const { return static_cast<Psdt>(flags >> 6); }
  std::uint8_t fctype() const { return static_cast<std::uint8_t>(nsid); }
};
static_assert(sizeof(Sqe) == 64);
static_assert(WireStruct<Sqe>);
static_assert(offsetof(Sqe, nsid) == 4 && offsetof(Sqe, mptr) == 16 && offsetof(Sqe, dptr) == 24);
static_assert(offsetof(Sqe, cdw10) == 40 && offsetof(Sqe, cdw15) == 60);

struct Cqe {
  le64 result;  // dwords 0 and 1: command specific
  le16 sqhd;    // submission queue head pointer; reserved without SQ flow control
  le16 sqid;    // reserved over Fabrics
  le16 cid;
  le16 status;  // Status::encode()

  std::uint32_t dw0() const { return static_cast<std::uint32_t>(result); }
  std::uint32_t dw1() const { return static_cast<std::uint32_t>(result >> 32); }
  Status decoded_status() const { return Status::decode(status); }
};
static_assert(sizeof(Cqe) == 16);
static_assert(WireStruct<Cqe>);
static_assert(offsetof(Cqe, sqhd) == 8 && offsetof(Cqe, cid) == 12 && offsetof(Cqe, status) == 14);

}  // namespace weft::wire
