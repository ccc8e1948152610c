#include "raw_host/pdu.h"

#include <fmt/format.h>

#include <algorithm>

#include "raw_host/crc32c.h"

namespace weft::raw_host {

namespace tcp = wire::tcp;

namespace {

constexpr std::size_t kDigest = 4;

void append(Bytes& bytes, std::span<const std::byte> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

void append_digest(Bytes& bytes, std::span<const std::byte> of, std::uint32_t spoil) {
  const wire::le32 digest = crc32c(of) ^ spoil;
  append(bytes, wire::bytes_of(digest));
}

// The PDUs that set up and end a connection: before or beside what was agreed on.
bool outside_the_agreement(tcp::PduType type) {
  return type == tcp::PduType::ic_req || type == tcp::PduType::ic_resp ||
         type == tcp::PduType::h2c_term_req || type == tcp::PduType::c2h_term_req;
}

std::size_t aligned(std::size_t offset, std::uint8_t pda) {
  const std::size_t alignment = (std::size_t{pda} + 1) * 4;
  while (offset % alignment != 0) ++offset;
  return offset;
}

[[noreturn]] void refuse(const tcp::CommonHeader& common, std::string_view why) {
  throw Failure(fmt::format("{}: {}", text(common), why));
}

}  // namespace

std::string text(const tcp::CommonHeader& common) {
  return fmt::format("PDU {} (type {:02X}h, flags {:02X}h, HLEN {}, PDO {}, PLEN {})",
                     tcp::name(static_cast<tcp::PduType>(common.type)), common.type, common.flags,
                     common.hlen, common.pdo, static_cast<std::uint32_t>(common.plen));
}

Bytes Draft::bytes() const {
  Bytes all = header;
  if (hdgst) append_digest(all, header, spoil_hdgst);
  append(all, padding);
  append(all, data);
  if (ddgst) append_digest(all, data, spoil_ddgst);
  return all;
}

Draft draft(tcp::PduType type, std::span<const std::byte> header, std::span<const std::byte> data,
            const Format& format, std::uint8_t flags) {
  const bool agreed = !outside_the_agreement(type);
  Draft pdu{.header = Bytes(header.begin(), header.end()), .data = Bytes(data.begin(), data.end())};
  pdu.hdgst = agreed && format.hdgst;
  pdu.ddgst = agreed && format.ddgst && !data.empty();
  const std::size_t head = header.size() + (pdu.hdgst ? kDigest : 0);
  const std::size_t offset = agreed && !data.empty() ? aligned(head, format.pda) : head;
  pdu.padding.assign(offset - head, std::byte{0});
  const std::size_t size = offset + data.size() + (pdu.ddgst ? kDigest : 0);
  if (pdu.hdgst) flags |= tcp::kHdgstf;
  if (pdu.ddgst) flags |= tcp::kDdgstf;
  pdu.edit<tcp::CommonHeader>([&](tcp::CommonHeader& common) {
    common = {.type = static_cast<std::uint8_t>(type),
              .flags = flags,
              .hlen = static_cast<std::uint8_t>(header.size()),
              .pdo = static_cast<std::uint8_t>(agreed && !data.empty() ? offset : 0),
              .plen = static_cast<std::uint32_t>(size)};
  });
  return pdu;
}

Layout layout_of(const tcp::CommonHeader& common, const Format& format) {
  const auto type = static_cast<tcp::PduType>(common.type);
  Layout layout;
  bool may_have_data = false;
  switch (type) {
    case tcp::PduType::ic_resp:
      layout.header = 128;
      break;
    case tcp::PduType::c2h_term_req:
    case tcp::PduType::c2h_data:
      may_have_data = true;
      [[fallthrough]];
    case tcp::PduType::capsule_resp:
    case tcp::PduType::r2t:
      layout.header = 24;
      break;
    default:
      refuse(common, "a controller does not send this type");
  }
  if (common.hlen != layout.header) refuse(common, fmt::format("HLEN must be {}", layout.header));
  const bool agreed = !outside_the_agreement(type);
  const bool hdgst = (common.flags & tcp::kHdgstf) != 0;
  const bool ddgst = (common.flags & tcp::kDdgstf) != 0;
  if (hdgst != (agreed && format.hdgst)) refuse(common, "HDGSTF is not as agreed");
  if (ddgst != (type == tcp::PduType::c2h_data && format.ddgst)) refuse(common, "DDGSTF is not as agreed");
  layout.hdgst = hdgst ? kDigest : 0;
  layout.ddgst = ddgst ? kDigest : 0;
  const std::size_t head = layout.header + layout.hdgst;
  std::size_t offset = head;
  if (type == tcp::PduType::c2h_data) {
    offset = common.pdo;
    if (offset < head || offset != aligned(offset, format.pda)) refuse(common, "PDO is not as agreed");
  } else if (common.pdo != 0) {
    refuse(common, "PDO is reserved");
  }
  layout.padding = offset - head;
  if (common.plen < offset + layout.ddgst) refuse(common, "PLEN is too small");
  layout.data = common.plen - offset - layout.ddgst;
  if (!may_have_data && layout.data > 0) refuse(common, "this type has no data");
  if (type == tcp::PduType::c2h_data && layout.data == 0) refuse(common, "data is missing");
  if (type == tcp::PduType::c2h_term_req && layout.data > tcp::kTermReqMaxData)
    refuse(common, "more than 128 bytes are repeated");
  return layout;
}

}  // namespace weft::raw_host
