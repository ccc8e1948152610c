#include "host/namespace_info.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace weft::host {

namespace {

constexpr unsigned kLeastBlockShift = 9;
constexpr unsigned kMostBlockShift = 16;

template <std::size_t kBytes>
std::array<std::uint8_t, kBytes> bytes_at(std::span<const std::byte> from) {
  std::array<std::uint8_t, kBytes> to;
  std::memcpy(to.data(), from.data(), kBytes);
  return to;
}

}  // namespace

// Descriptors come from the target: each is taken only where it is whole and has its type's length.
void take_descriptors(std::span<const std::byte> page, NamespaceInfo& info) {
  while (const auto head = wire::load<wire::NamespaceIdDescriptor>(page)) {
    page = page.subspan(sizeof *head);
    if (head->nidl == 0 || head->nidl > page.size()) return;
    const auto type = static_cast<wire::NamespaceIdType>(head->nidt);
    if (type == wire::NamespaceIdType::uuid && head->nidl == 16) info.uuid = bytes_at<16>(page);
    if (type == wire::NamespaceIdType::nguid && head->nidl == 16) info.nguid = bytes_at<16>(page);
    if (type == wire::NamespaceIdType::eui64 && head->nidl == 8) info.eui64 = bytes_at<8>(page);
    page = page.subspan(head->nidl);
  }
}

Result<NamespaceInfo> parse_namespace(Nsid nsid, const wire::IdentifyNamespace& ns) {
  if (ns.nsze == 0)
    return fail(ENODEV, fmt::format("namespace {}: there is none, or it is not active", nsid.value()));
  constexpr unsigned kFormats = sizeof ns.lbaf / sizeof ns.lbaf[0];
  const unsigned format = (ns.flbas & 0xFu) | (ns.flbas >> 1 & 0x30u);
  const wire::LbaFormat lbaf = ns.lbaf[format % kFormats];
  if (lbaf.lbads < kLeastBlockShift || lbaf.lbads > kMostBlockShift ||
      ns.nsze > kMostNamespaceBytes >> lbaf.lbads)
    return fail(EPROTO, fmt::format("namespace {}: the target says {} blocks of 2^{} bytes", nsid.value(),
                                    std::uint64_t{ns.nsze}, lbaf.lbads));
  return NamespaceInfo{.nsid = nsid,
                       .blocks = ns.nsze,
                       .block_bytes = 1u << lbaf.lbads,
                       .metadata_bytes = lbaf.ms,
                       .ana_group = ns.anagrpid,
                       .write_protected = (ns.nsattr & wire::kNsattrWriteProtected) != 0,
                       .shared = (ns.nmic & wire::kNmicShared) != 0};
}

bool is_same_namespace(const NamespaceInfo& a, const NamespaceInfo& b) {
  if (a.uuid && b.uuid) return a.uuid == b.uuid;
  if (a.nguid && b.nguid) return a.nguid == b.nguid;
  if (a.eui64 && b.eui64) return a.eui64 == b.eui64;
  return a.nsid == b.nsid;
}

}  // namespace weft::host
