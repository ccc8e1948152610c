// Identify data structures about the controller and the subsystem.
#include <algorithm>
#include <bit>

#include "target/admin/identify.h"
#include "target/controller.h"
#include "target/events.h"
#include "target/queue.h"
#include "wire/features.h"
#include "wire/nqn.h"

namespace weft::target {

using namespace wire::status;

namespace {

constexpr std::uint16_t kKeepAliveUnits = 10;  // KAS: keep alive in seconds
constexpr std::uint8_t kAbortLimit = 3;        // zero-based
constexpr std::uint8_t kOneReadOnlySlot = 0x03;
constexpr std::uint32_t kSqeUnits = 64 / 16;

std::uint32_t sgl_support(Request& request) {
  std::uint32_t sgls = wire::kSglsByteAligned | wire::kSglsTransport;
  if (request.queue.controller().settings().in_capsule_bytes > 0) sgls |= wire::kSglsOffset;
  return sgls;
}

void describe_commands(wire::IdentifyController& id, const SubsystemSettings& settings) {
  id.sqes = 0x66;
  id.cqes = 0x44;
  id.maxcmd = static_cast<std::uint16_t>(std::min<std::uint32_t>(settings.queue_entries, 0xFFFF));
  id.oncs =
      wire::kOncsCompare | wire::kOncsDatasetManagement | wire::kOncsWriteZeroes | wire::kOncsSaveSelect;
  id.fuses = wire::kFusesCompareWrite;
  id.vwc = wire::kVwcPresent | wire::kVwcFlushBroadcast;
  id.ioccsz = kSqeUnits + settings.in_capsule_bytes / 16;
}

}  // namespace

wire::IdentifyController common_controller(Request& request) {
  Controller& controller = request.queue.controller();
  const SubsystemSettings& settings = controller.settings();
  wire::IdentifyController id{};
  id.vid = settings.vendor_id;
  id.ssvid = settings.subsystem_vendor_id;
  wire::write_padded(id.sn, settings.serial);
  wire::write_padded(id.mn, settings.model);
  wire::write_padded(id.fr, settings.firmware);
  for (unsigned i = 0; i < 3; ++i) id.ieee[i] = static_cast<std::uint8_t>(settings.ieee_oui >> 8 * i);
  id.cmic = wire::kCmicMultiPort | wire::kCmicMultiController;
  id.mdts = static_cast<std::uint8_t>(std::bit_width(settings.mdts_bytes / 4096) - 1);
  id.cntlid = controller.cntlid().value();
  id.ver = settings.version.encode();
  id.ctratt = wire::kCtrattHostId128 | wire::kCtrattTrafficKeepAlive;
  id.aerl = Events::kMaxRequests - 1;
  id.lpa = wire::kLpaCommandEffects | wire::kLpaExtendedData;
  id.elpe = ErrorLog::kEntries - 1;
  id.kas = kKeepAliveUnits;
  id.maxcmd = static_cast<std::uint16_t>(std::min<std::uint32_t>(settings.queue_entries, 0xFFFF));
  id.sgls = sgl_support(request);
  wire::write_terminated(id.subnqn, controller.subsystem().nqn());
  id.ioccsz = kSqeUnits;
  id.iorcsz = sizeof(wire::Cqe) / 16;
  id.msdbd = 1;
  return id;
}

wire::Parsed<void> identify_controller(Request& request, const wire::Identify&, IdentifyPage page) {
  request.queue.controller().subsystem().set_identified();
  wire::IdentifyController id = common_controller(request);
  id.cmic |= wire::kCmicAna;
  id.oaes = wire::AsyncEventConfiguration::kNamespaceAttribute | wire::AsyncEventConfiguration::kAnaChange;
  id.anatt = kAnaTransitionSeconds;
  id.anacap = wire::kAnacapOptimized | wire::kAnacapNonOptimized | wire::kAnacapInaccessible |
              wire::kAnacapPersistentLoss | wire::kAnacapChange;
  id.anagrpmax = id.nanagrpid = kMaxAnaGroups;
  id.cntrltype = static_cast<std::uint8_t>(wire::ControllerType::io);
  id.acl = kAbortLimit;
  id.frmw = kOneReadOnlySlot;
  id.wctemp = kWarningKelvin;
  id.cctemp = kCriticalKelvin;
  id.nn = max_nsid(request);
  id.mnan = kMaxNamespaces;
  describe_commands(id, request.queue.controller().settings());
  put(page, id);
  return {};
}

wire::Parsed<void> identify_nvm_controller(Request&, const wire::Identify& command, IdentifyPage) {
  if (wire::CommandSet{command.csi} != wire::CommandSet::nvm)
    return wire::refuse(kInvalidField, wire::admin_field::kCsi);
  return {};  // no limits beyond MDTS
}

// CNS 12h and 13h: every controller has every namespace.
wire::Parsed<void> identify_controller_list(Request& request, const wire::Identify& command,
                                            IdentifyPage page) {
  const bool of_namespace = wire::IdentifyCns{command.cns} == wire::IdentifyCns::ns_controller_list;
  if (of_namespace && request.queue.view().find(command.nsid) == nullptr)
    return wire::refuse(kInvalidField, wire::admin_field::kNsid);
  wire::ControllerList list{};
  std::size_t count = 0;
  for (const auto& controller : request.queue.controller().subsystem().controllers()) {
    if (controller->cntlid() < command.cntid || count == std::size(list.cntlid)) continue;
    list.cntlid[count++] = controller->cntlid().value();
  }
  list.count = static_cast<std::uint16_t>(count);
  put(page, list);
  return {};
}

wire::Parsed<void> identify_command_sets(Request& request, const wire::Identify& command, IdentifyPage page) {
  Controller& controller = request.queue.controller();
  const bool known = command.cntid == kDynamicController || command.cntid == controller.cntlid() ||
                     controller.subsystem().find_controller(command.cntid) != nullptr;
  if (!known) return wire::refuse(kInvalidField, wire::admin_field::kCntid);
  wire::CommandSetList list{};
  list.combination[0] = 1u << static_cast<unsigned>(wire::CommandSet::nvm);
  put(page, list);
  return {};
}

}  // namespace weft::target
