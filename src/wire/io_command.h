// Typed commands of the NVM command set (NVM Command Set 1.1, section 3) and Flush (NVMe Base 2.1,
// section 7.2). Counts are one-based here.  The caller has looked at the opcode; each parser reads one
// command's fields.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "wire/command_error.h"
#include "wire/endian.h"
#include "wire/sqe.h"

namespace weft::wire {

// A range of logical blocks whose end does not overflow.  Whether it lies in the namespace is the target's to
// say.
struct LbaRange {
  std::uint64_t slba = 0;
  std::uint32_t blocks = 1;  // one-based: 1 to 65536
  constexpr bool operator==(const LbaRange&) const = default;
  constexpr std::uint64_t end() const { return slba + blocks; }  // one past the last
};

// Protection information of a command: PRINFO, and the tags (16b guard format).
struct Protection {
  bool pract = false;
  bool check_guard = false;
  bool check_app_tag = false;
  bool check_ref_tag = false;
  bool check_storage_tag = false;  // STC
  std::uint32_t ref_tag = 0;       // ILBRT or EILBRT
  std::uint16_t app_tag = 0;
  std::uint16_t app_tag_mask = 0;
  constexpr bool operator==(const Protection&) const = default;
  // PRACT or a check was asked for: meaningless on a namespace without protection information.
  constexpr bool requested() const { return pract || check_guard || check_app_tag || check_ref_tag; }
};

// Offsets of the fields in the SQE, for CommandError.
namespace io_field {
inline constexpr std::uint16_t kNsid = 4;
inline constexpr std::uint16_t kSlba = 40;
inline constexpr std::uint16_t kNlb = 48;
inline constexpr std::uint16_t kControl = 50;  // FUA, PRINFO: byte 51
inline constexpr std::uint16_t kFlagsByte = 51;
inline constexpr std::uint16_t kDsmRanges = 40;
}  // namespace io_field

// Read, Write and Compare have the same fields.
struct ReadWrite {
  Nsid nsid;
  LbaRange range;
  bool fua = false;            // force unit access
  bool limited_retry = false;  // LR
  std::uint8_t directive_type = 0;
  std::uint16_t directive_specific = 0;
  std::uint8_t dataset_hints = 0;  // DSM: access frequency, latency, sequential
  Protection protection;
  constexpr bool operator==(const ReadWrite&) const = default;
};
Parsed<ReadWrite> parse_read(const Sqe& sqe);
Parsed<ReadWrite> parse_write(const Sqe& sqe);
Parsed<ReadWrite> parse_compare(const Sqe& sqe);

struct WriteZeroes {
  Nsid nsid;
  LbaRange range;
  bool fua = false;
  bool limited_retry = false;
  bool deallocate = false;       // DEAC
  bool whole_namespace = false;  // NSZ: the range is to be ignored where that is supported
  std::uint8_t directive_type = 0;
  std::uint16_t directive_specific = 0;
  Protection protection;
  constexpr bool operator==(const WriteZeroes&) const = default;
};
Parsed<WriteZeroes> parse_write_zeroes(const Sqe& sqe);

struct WriteUncorrectable {
  Nsid nsid;
  LbaRange range;
  std::uint8_t directive_type = 0;
  std::uint16_t directive_specific = 0;
  constexpr bool operator==(const WriteUncorrectable&) const = default;
};
Parsed<WriteUncorrectable> parse_write_uncorrectable(const Sqe& sqe);

struct Verify {
  Nsid nsid;
  LbaRange range;
  bool fua = false;
  bool limited_retry = false;
  Protection protection;
  constexpr bool operator==(const Verify&) const = default;
};
Parsed<Verify> parse_verify(const Sqe& sqe);

struct Flush {
  Nsid nsid;  // kAllNamespaces where Identify's VWC allows it
  constexpr bool operator==(const Flush&) const = default;
};
Parsed<Flush> parse_flush(const Sqe& sqe);

// One range of Dataset Management, as it lies in the command's data.
struct DsmRange {
  le32 context_attributes;
  le32 blocks;  // not zero-based: 0 is an empty range
  le64 slba;
};
static_assert(sizeof(DsmRange) == 16 && WireStruct<DsmRange>);
inline constexpr std::uint32_t kDsmMaxRanges = 256;

struct DatasetManagement {
  Nsid nsid;
  std::uint32_t ranges = 1;  // one-based: 1 to kDsmMaxRanges
  bool deallocate = false;
  bool integral_read = false;
  bool integral_write = false;
  constexpr bool operator==(const DatasetManagement&) const = default;
  // What the ranges take; hosts may send more (Linux: always 4096) and the rest is ignored.
  constexpr std::uint32_t data_bytes() const { return ranges * sizeof(DsmRange); }
};
Parsed<DatasetManagement> parse_dataset_management(const Sqe& sqe);

// The commands as a host builds them; the caller sets cid and the data pointer.
Sqe make_read(const ReadWrite& command);
Sqe make_write(const ReadWrite& command);
Sqe make_compare(const ReadWrite& command);
Sqe make_write_zeroes(const WriteZeroes& command);
Sqe make_flush(const Flush& command);
Sqe make_dataset_management(const DatasetManagement& command);

}  // namespace weft::wire
