#include "wire/admin_command.h"

#include "wire/opcodes.h"

namespace weft::wire {
namespace {

constexpr std::uint32_t kRae = 1u << 15;
constexpr std::uint32_t kOffsetType = 1u << 23;
constexpr std::uint32_t kSaveBit = 1u << 31;

std::uint8_t low_byte(std::uint32_t dword) {
  return static_cast<std::uint8_t>(dword);
}
std::uint8_t uuid_index_of(const Sqe& sqe) {
  return static_cast<std::uint8_t>(sqe.cdw14 & 0x7F);
}

Sqe begin(AdminOpcode opcode, Nsid nsid) {
  Sqe sqe{};
  sqe.opcode = static_cast<std::uint8_t>(opcode);
  sqe.nsid = nsid.value();
  return sqe;
}

}  // namespace

Parsed<Identify> parse_identify(const Sqe& sqe) {
  return Identify{.nsid = Nsid(sqe.nsid),
                  .cns = low_byte(sqe.cdw10),
                  .cntid = Cntlid(static_cast<std::uint16_t>(sqe.cdw10 >> 16)),
                  .cns_specific = static_cast<std::uint16_t>(sqe.cdw11),
                  .csi = low_byte(sqe.cdw11 >> 24),
                  .uuid_index = uuid_index_of(sqe)};
}

Sqe make_identify(const Identify& command) {
  Sqe sqe = begin(AdminOpcode::identify, command.nsid);
  sqe.cdw10 = command.cns | std::uint32_t{command.cntid.value()} << 16;
  sqe.cdw11 = command.cns_specific | std::uint32_t{command.csi} << 24;
  sqe.cdw14 = command.uuid_index & 0x7Fu;
  return sqe;
}

Parsed<GetLogPage> parse_get_log_page(const Sqe& sqe) {
  const std::uint64_t numd = (sqe.cdw10 >> 16) | (sqe.cdw11 & 0xFFFF) << 16;
  const std::uint64_t offset = sqe.cdw12 | std::uint64_t{sqe.cdw13} << 32;
  const bool is_index = (sqe.cdw14 & kOffsetType) != 0;
  if (!is_index && offset % 4 != 0) return refuse(status::kInvalidField, admin_field::kLogOffset);
  return GetLogPage{.nsid = Nsid(sqe.nsid),
                    .lid = low_byte(sqe.cdw10),
                    .lsp = static_cast<std::uint8_t>(sqe.cdw10 >> 8 & 0x7F),
                    .rae = (sqe.cdw10 & kRae) != 0,
                    .length = (numd + 1) * 4,
                    .offset = offset,
                    .offset_is_index = is_index,
                    .lsi = static_cast<std::uint16_t>(sqe.cdw11 >> 16),
                    .csi = low_byte(sqe.cdw14 >> 24),
                    .uuid_index = uuid_index_of(sqe)};
}

Sqe make_get_log_page(const GetLogPage& command) {
  const auto numd = static_cast<std::uint32_t>(command.length / 4 - 1);
  Sqe sqe = begin(AdminOpcode::get_log_page, command.nsid);
  sqe.cdw10 = command.lid | (command.lsp & 0x7Fu) << 8 | (command.rae ? kRae : 0) | numd << 16;
  sqe.cdw11 = numd >> 16 | std::uint32_t{command.lsi} << 16;
  sqe.cdw12 = static_cast<std::uint32_t>(command.offset);
  sqe.cdw13 = static_cast<std::uint32_t>(command.offset >> 32);
  sqe.cdw14 = (command.uuid_index & 0x7Fu) | (command.offset_is_index ? kOffsetType : 0) |
              std::uint32_t{command.csi} << 24;
  return sqe;
}

Parsed<GetFeatures> parse_get_features(const Sqe& sqe) {
  const std::uint32_t select = sqe.cdw10 >> 8 & 7;
  if (select > static_cast<std::uint32_t>(FeatureSelect::supported))
    return refuse(status::kInvalidField, admin_field::kSel);
  return GetFeatures{.nsid = Nsid(sqe.nsid),
                     .fid = low_byte(sqe.cdw10),
                     .select = static_cast<FeatureSelect>(select),
                     .cdw11 = sqe.cdw11,
                     .uuid_index = uuid_index_of(sqe)};
}

Sqe make_get_features(const GetFeatures& command) {
  Sqe sqe = begin(AdminOpcode::get_features, command.nsid);
  sqe.cdw10 = command.fid | static_cast<std::uint32_t>(command.select) << 8;
  sqe.cdw11 = command.cdw11;
  sqe.cdw14 = command.uuid_index & 0x7Fu;
  return sqe;
}

Parsed<SetFeatures> parse_set_features(const Sqe& sqe) {
  return SetFeatures{.nsid = Nsid(sqe.nsid),
                     .fid = low_byte(sqe.cdw10),
                     .save = (sqe.cdw10 & kSaveBit) != 0,
                     .cdw11 = sqe.cdw11,
                     .cdw12 = sqe.cdw12,
                     .cdw13 = sqe.cdw13,
                     .cdw15 = sqe.cdw15,
                     .uuid_index = uuid_index_of(sqe)};
}

Sqe make_set_features(const SetFeatures& command) {
  Sqe sqe = begin(AdminOpcode::set_features, command.nsid);
  sqe.cdw10 = command.fid | (command.save ? kSaveBit : 0);
  sqe.cdw11 = command.cdw11;
  sqe.cdw12 = command.cdw12;
  sqe.cdw13 = command.cdw13;
  sqe.cdw14 = command.uuid_index & 0x7Fu;
  sqe.cdw15 = command.cdw15;
  return sqe;
}

Parsed<Abort> parse_abort(const Sqe& sqe) {
  return Abort{.sqid = Qid(static_cast<std::uint16_t>(sqe.cdw10)),
               .cid = Cid(static_cast<std::uint16_t>(sqe.cdw10 >> 16))};
}

Sqe make_abort(const Abort& command) {
  Sqe sqe = begin(AdminOpcode::abort, Nsid());
  sqe.cdw10 = command.sqid.value() | std::uint32_t{command.cid.value()} << 16;
  return sqe;
}

Sqe make_async_event_request() {
  return begin(AdminOpcode::async_event_request, Nsid());
}

Sqe make_keep_alive() {
  return begin(AdminOpcode::keep_alive, Nsid());
}

}  // namespace weft::wire
