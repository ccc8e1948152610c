#include "wire/io_command.h"

#include <limits>

#include "wire/opcodes.h"

namespace weft::wire {
namespace {

// Bits of dword 12.
constexpr std::uint32_t kNlbMask = 0xFFFF;
constexpr unsigned kDtypeShift = 20;
constexpr std::uint32_t kNsz = 1u << 23;
constexpr std::uint32_t kStc = 1u << 24;
constexpr std::uint32_t kDeac = 1u << 25;
constexpr std::uint32_t kCheckRefTag = 1u << 26;
constexpr std::uint32_t kCheckAppTag = 1u << 27;
constexpr std::uint32_t kCheckGuard = 1u << 28;
constexpr std::uint32_t kPract = 1u << 29;
constexpr std::uint32_t kFua = 1u << 30;
constexpr std::uint32_t kLr = 1u << 31;

// Bits of Dataset Management's dword 11.
constexpr std::uint32_t kIdr = 1u << 0;
constexpr std::uint32_t kIdw = 1u << 1;
constexpr std::uint32_t kAd = 1u << 2;

Nsid nsid_of(const Sqe& sqe) {
  return Nsid(sqe.nsid);
}

bool has(const Sqe& sqe, std::uint32_t bit) {
  return (sqe.cdw12 & bit) != 0;
}

Parsed<LbaRange> parse_range(const Sqe& sqe) {
  const LbaRange range{.slba = std::uint64_t{sqe.cdw11} << 32 | sqe.cdw10,
                       .blocks = (sqe.cdw12 & kNlbMask) + 1};
  if (range.slba > std::numeric_limits<std::uint64_t>::max() - range.blocks)
    return refuse(status::kLbaOutOfRange, io_field::kSlba);
  return range;
}

Protection parse_protection(const Sqe& sqe) {
  return {.pract = has(sqe, kPract),
          .check_guard = has(sqe, kCheckGuard),
          .check_app_tag = has(sqe, kCheckAppTag),
          .check_ref_tag = has(sqe, kCheckRefTag),
          .check_storage_tag = has(sqe, kStc),
          .ref_tag = sqe.cdw14,
          .app_tag = static_cast<std::uint16_t>(sqe.cdw15),
          .app_tag_mask = static_cast<std::uint16_t>(sqe.cdw15 >> 16)};
}

std::uint8_t directive_type_of(const Sqe& sqe) {
  return static_cast<std::uint8_t>(sqe.cdw12 >> kDtypeShift & 0xF);
}

std::uint16_t directive_specific_of(const Sqe& sqe) {
  return static_cast<std::uint16_t>(sqe.cdw13 >> 16);
}

Sqe begin(IoOpcode opcode, Nsid nsid) {
  Sqe sqe{};
  sqe.opcode = static_cast<std::uint8_t>(opcode);
  sqe.nsid = nsid.value();
  return sqe;
}

void put_range(Sqe& sqe, const LbaRange& range) {
  sqe.cdw10 = static_cast<std::uint32_t>(range.slba);
  sqe.cdw11 = static_cast<std::uint32_t>(range.slba >> 32);
  sqe.cdw12 = sqe.cdw12 | ((range.blocks - 1) & kNlbMask);
}

void put_flag(Sqe& sqe, bool set, std::uint32_t bit) {
  if (set) sqe.cdw12 = sqe.cdw12 | bit;
}

void put_protection(Sqe& sqe, const Protection& protection) {
  put_flag(sqe, protection.pract, kPract);
  put_flag(sqe, protection.check_guard, kCheckGuard);
  put_flag(sqe, protection.check_app_tag, kCheckAppTag);
  put_flag(sqe, protection.check_ref_tag, kCheckRefTag);
  put_flag(sqe, protection.check_storage_tag, kStc);
  sqe.cdw14 = protection.ref_tag;
  sqe.cdw15 = protection.app_tag | std::uint32_t{protection.app_tag_mask} << 16;
}

void put_directive(Sqe& sqe, std::uint8_t type, std::uint16_t specific) {
  sqe.cdw12 = sqe.cdw12 | (type & 0xFu) << kDtypeShift;
  sqe.cdw13 = sqe.cdw13 | std::uint32_t{specific} << 16;
}

Parsed<ReadWrite> parse_read_or_compare(const Sqe& sqe) {
  const auto range = parse_range(sqe);
  if (!range) return std::unexpected(range.error());
  return ReadWrite{.nsid = nsid_of(sqe),
                   .range = *range,
                   .fua = has(sqe, kFua),
                   .limited_retry = has(sqe, kLr),
                   .protection = parse_protection(sqe)};
}

Sqe make_transfer(IoOpcode opcode, const ReadWrite& command) {
  Sqe sqe = begin(opcode, command.nsid);
  put_range(sqe, command.range);
  put_flag(sqe, command.fua, kFua);
  put_flag(sqe, command.limited_retry, kLr);
  put_protection(sqe, command.protection);
  return sqe;
}

}  // namespace

Parsed<ReadWrite> parse_read(const Sqe& sqe) {
  auto command = parse_read_or_compare(sqe);
  if (command) command->dataset_hints = static_cast<std::uint8_t>(sqe.cdw13);
  return command;
}

Parsed<ReadWrite> parse_write(const Sqe& sqe) {
  auto command = parse_read(sqe);
  if (command) {
    command->directive_type = directive_type_of(sqe);
    command->directive_specific = directive_specific_of(sqe);
  }
  return command;
}

Parsed<ReadWrite> parse_compare(const Sqe& sqe) {
  return parse_read_or_compare(sqe);
}

Parsed<WriteZeroes> parse_write_zeroes(const Sqe& sqe) {
  // With NSZ the range is to be ignored, so its end may overflow.
  const bool whole = has(sqe, kNsz);
  const auto range = whole ? Parsed<LbaRange>(LbaRange{}) : parse_range(sqe);
  if (!range) return std::unexpected(range.error());
  return WriteZeroes{.nsid = nsid_of(sqe),
                     .range = *range,
                     .fua = has(sqe, kFua),
                     .limited_retry = has(sqe, kLr),
                     .deallocate = has(sqe, kDeac),
                     .whole_namespace = whole,
                     .protection = parse_protection(sqe)};
}

Parsed<WriteUncorrectable> parse_write_uncorrectable(const Sqe& sqe) {
  const auto range = parse_range(sqe);
  if (!range) return std::unexpected(range.error());
  return WriteUncorrectable{.nsid = nsid_of(sqe),
                            .range = *range,
                            .directive_type = directive_type_of(sqe),
                            .directive_specific = directive_specific_of(sqe)};
}

Parsed<Verify> parse_verify(const Sqe& sqe) {
  const auto range = parse_range(sqe);
  if (!range) return std::unexpected(range.error());
  return Verify{.nsid = nsid_of(sqe),
                .range = *range,
                .fua = has(sqe, kFua),
                .limited_retry = has(sqe, kLr),
                .protection = parse_protection(sqe)};
}

Parsed<Flush> parse_flush(const Sqe& sqe) {
  return Flush{nsid_of(sqe)};
}

Parsed<DatasetManagement> parse_dataset_management(const Sqe& sqe) {
  return DatasetManagement{.nsid = nsid_of(sqe),
                           .ranges = (sqe.cdw10 & 0xFF) + 1,
                           .deallocate = (sqe.cdw11 & kAd) != 0,
                           .integral_read = (sqe.cdw11 & kIdr) != 0,
                           .integral_write = (sqe.cdw11 & kIdw) != 0};
}

Sqe make_read(const ReadWrite& command) {
  Sqe sqe = make_transfer(IoOpcode::read, command);
  sqe.cdw13 = command.dataset_hints;
  return sqe;
}

Sqe make_write(const ReadWrite& command) {
  Sqe sqe = make_transfer(IoOpcode::write, command);
  sqe.cdw13 = command.dataset_hints;
  put_directive(sqe, command.directive_type, command.directive_specific);
  return sqe;
}

Sqe make_compare(const ReadWrite& command) {
  return make_transfer(IoOpcode::compare, command);
}

Sqe make_write_zeroes(const WriteZeroes& command) {
  Sqe sqe = begin(IoOpcode::write_zeroes, command.nsid);
  put_range(sqe, command.range);
  put_flag(sqe, command.fua, kFua);
  put_flag(sqe, command.limited_retry, kLr);
  put_flag(sqe, command.deallocate, kDeac);
  put_flag(sqe, command.whole_namespace, kNsz);
  put_protection(sqe, command.protection);
  return sqe;
}

Sqe make_flush(const Flush& command) {
  return begin(IoOpcode::flush, command.nsid);
}

Sqe make_dataset_management(const DatasetManagement& command) {
  Sqe sqe = begin(IoOpcode::dataset_management, command.nsid);
  sqe.cdw10 = (command.ranges - 1) & 0xFF;
  sqe.cdw11 = (command.deallocate ? kAd : 0) | (command.integral_read ? kIdr : 0) |
              (command.integral_write ? kIdw : 0);
  return sqe;
}

}  // namespace weft::wire
