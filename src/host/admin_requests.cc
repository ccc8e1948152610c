#include "host/admin_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "wire/admin_command.h"

namespace weft::host {

namespace {

constexpr std::size_t kMostNamespaces = 65536;  // what a hostile target can make us hold

}  // namespace

Result<Page> identify(Session& session, const wire::Identify& command) {
  Page page(wire::kIdentifySize);
  const auto answered = session.admin(wire::make_identify(command), page);
  if (!answered) return std::unexpected(answered.error());
  return page;
}

Result<Page> log_page(Session& session, const LogRequest& request) {
  constexpr std::uint64_t kMostAtOnce = std::uint64_t{64} * 1024;
  const std::uint64_t piece = std::min<std::uint64_t>(session.max_transfer_bytes(), kMostAtOnce);
  Page page(request.bytes);
  for (std::uint64_t at = 0; at < request.bytes;) {
    const std::uint64_t part = std::min(piece, request.bytes - at);
    const auto answered = session.admin(wire::make_get_log_page({.nsid = request.nsid,
                                                                 .lid = request.lid,
                                                                 .lsp = request.lsp,
                                                                 .rae = request.keeps_event,
                                                                 .length = part,
                                                                 .offset = request.offset + at}),
                                        std::span(page).subspan(at, part));
    if (!answered)
      return fail(answered.error().code,
                  fmt::format("log page {:02x}h: {}", request.lid, answered.error().message));
    at += part;
  }
  return page;
}

Result<std::vector<Nsid>> active_namespaces(Session& session) {
  std::vector<Nsid> all;
  while (true) {
    const Nsid after = all.empty() ? Nsid(0) : all.back();
    const auto page = identify(
        session, {.nsid = after, .cns = static_cast<std::uint8_t>(wire::IdentifyCns::active_ns_list)});
    if (!page) return std::unexpected(page.error());
    const auto list = *wire::load<wire::NamespaceList>(*page);
    for (const wire::le32 nsid : list.nsid) {
      if (nsid == 0) return all;
      if (nsid <= (all.empty() ? 0 : all.back().value()))
        return fail(EPROTO, "the target's list of namespaces is not in ascending order");
      if (all.size() == kMostNamespaces)
        return fail(EPROTO, fmt::format("the target has more than {} namespaces", kMostNamespaces));
      all.emplace_back(nsid);
    }
  }
}

Result<NamespaceInfo> namespace_info(Session& session, Nsid nsid) {
  const auto page =
      identify(session, {.nsid = nsid, .cns = static_cast<std::uint8_t>(wire::IdentifyCns::ns)});
  if (!page)
    return fail(page.error().code, fmt::format("namespace {}: {}", nsid.value(), page.error().message));
  auto info = parse_namespace(nsid, *wire::load<wire::IdentifyNamespace>(*page));
  if (!info) return info;
  // Targets of before 1.3 know no descriptors.
  const auto ids = identify(
      session, {.nsid = nsid, .cns = static_cast<std::uint8_t>(wire::IdentifyCns::ns_id_descriptors)});
  if (ids) take_descriptors(*ids, *info);
  return info;
}

}  // namespace weft::host
