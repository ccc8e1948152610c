// Identify data structures about namespaces.
#include <algorithm>
#include <bit>

#include "target/admin/identify.h"
#include "target/queue.h"

namespace weft::target {

using namespace wire::status;

namespace {

// The block sizes of all backends, in the same order for every namespace.
constexpr std::uint8_t kBlockPowers[] = {9, 12};

std::uint16_t zero_based(std::uint32_t blocks) {
  return static_cast<std::uint16_t>(std::min(std::max(blocks, 1u) - 1, 0xFFFFu));
}

std::uint8_t format_of(std::uint32_t block_bytes) {
  const auto power = static_cast<std::uint8_t>(std::countr_zero(block_bytes));
  return static_cast<std::uint8_t>(std::ranges::find(kBlockPowers, power) - std::begin(kBlockPowers));
}

wire::IdentifyNamespace common_namespace() {
  wire::IdentifyNamespace id{};
  id.nlbaf = std::size(kBlockPowers) - 1;
  for (std::size_t i = 0; i < std::size(kBlockPowers); ++i) id.lbaf[i].lbads = kBlockPowers[i];
  id.nmic = wire::kNmicShared;
  id.dlfeat = wire::kDlfeatReadsZeroes | wire::kDlfeatWriteZeroesDeac;
  return id;
}

void describe_performance(wire::IdentifyNamespace& id, const block::Geometry& geometry) {
  if (geometry.optimal_io_blocks == 0 && geometry.discard_granularity_blocks == 0) return;
  id.nsfeat |= wire::kNsfeatOptimalPerformance;
  id.npdg = id.npda = zero_based(geometry.discard_granularity_blocks);
  id.nows = zero_based(geometry.optimal_io_blocks);
}

bool is_valid(Request& request, Nsid nsid) {
  return nsid.value() >= 1 && nsid.value() <= max_nsid(request);
}

wire::Parsed<const NamespaceInfo*> find(Request& request, Nsid nsid) {
  if (!is_valid(request, nsid)) return wire::refuse(kInvalidNamespace, wire::admin_field::kNsid);
  return request.queue.view().snapshot().find(nsid);
}

bool is_nvm(const wire::Identify& command) {
  return wire::CommandSet{command.csi} == wire::CommandSet::nvm;
}

}  // namespace

std::uint32_t max_nsid(Request& request) {
  const auto& namespaces = request.queue.view().snapshot().namespaces;
  const std::uint32_t last = namespaces.empty() ? 0 : namespaces.back()->nsid.value();
  return std::max(last, kMaxNamespaces);
}

wire::Parsed<void> identify_namespace(Request& request, const wire::Identify& command, IdentifyPage page) {
  if (command.nsid == kAllNamespaces) {
    put(page, common_namespace());
    return {};
  }
  const auto found = find(request, command.nsid);
  if (!found) return std::unexpected(found.error());
  if (*found == nullptr) return {};
  const NamespaceInfo& info = **found;
  wire::IdentifyNamespace id = common_namespace();
  id.nsze = id.ncap = info.geometry.blocks;
  // Through a port that cannot reach it, nobody knows what is allocated.
  if (ana_status(request.queue.ana_state(info)).ok()) id.nuse = info.geometry.blocks;
  id.anagrpid = info.ana_group.value();
  id.flbas = format_of(info.geometry.block_bytes);
  describe_performance(id, info.geometry);
  if (info.read_only) id.nsattr = wire::kNsattrWriteProtected;
  std::ranges::copy(info.nguid, id.nguid);
  put(page, id);
  return {};
}

// CNS 02h and 07h
wire::Parsed<void> identify_namespace_list(Request& request, const wire::Identify& command,
                                           IdentifyPage page) {
  const bool by_set = wire::IdentifyCns{command.cns} == wire::IdentifyCns::command_set_active_ns_list;
  if (by_set && !is_nvm(command)) return wire::refuse(kInvalidField, wire::admin_field::kCsi);
  if (command.nsid.value() >= 0xFFFFFFFEu) return wire::refuse(kInvalidNamespace, wire::admin_field::kNsid);
  wire::NamespaceList list{};
  std::size_t count = 0;
  for (const auto& info : request.queue.view().snapshot().namespaces) {
    if (info->nsid <= command.nsid || count == std::size(list.nsid)) continue;
    list.nsid[count++] = info->nsid.value();
  }
  put(page, list);
  return {};
}

wire::Parsed<void> identify_namespace_ids(Request& request, const wire::Identify& command,
                                          IdentifyPage page) {
  const NamespaceInfo* info = request.queue.view().snapshot().find(command.nsid);
  if (info == nullptr) return wire::refuse(kInvalidNamespace, wire::admin_field::kNsid);
  wire::NamespaceIdWriter writer(page);
  if (!info->uuid.is_nil()) writer.add_uuid(info->uuid.bytes);
  if (info->nguid != Nguid{}) writer.add_nguid(info->nguid);
  writer.add_csi(wire::CommandSet::nvm);
  return {};
}

// CNS 05h: all zeroes says "no protection information".
wire::Parsed<void> identify_nvm_namespace(Request& request, const wire::Identify& command, IdentifyPage) {
  if (!is_nvm(command)) return wire::refuse(kInvalidField, wire::admin_field::kCsi);
  if (command.nsid == kAllNamespaces || is_valid(request, command.nsid)) return {};
  return wire::refuse(kInvalidNamespace, wire::admin_field::kNsid);
}

wire::Parsed<void> identify_independent_namespace(Request& request, const wire::Identify& command,
                                                  IdentifyPage page) {
  const auto found = find(request, command.nsid);
  if (!found) return std::unexpected(found.error());
  if (*found == nullptr) return {};
  const NamespaceInfo& info = **found;
  wire::IdentifyIndependentNamespace id{};
  if (!info.geometry.volatile_cache) id.nsfeat = wire::kIndependentNsfeatVwcNotPresent;
  id.nmic = wire::kNmicShared;
  id.anagrpid = info.ana_group.value();
  if (info.read_only) id.nsattr = wire::kNsattrWriteProtected;
  id.nstat = wire::kNstatReady;
  put(page, id);
  return {};
}

}  // namespace weft::target
