// What commands read of a subsystem's configuration: an immutable snapshot.  A change makes a new one, which
// is handed to every loop by message; the old one is freed when the last loop has moved on.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/text.h"
#include "block/backend.h"
#include "target/ana.h"
#include "wire/log_page.h"
#include "wire/properties.h"

namespace weft::target {

using Nguid = std::array<std::uint8_t, 16>;

struct NamespaceInfo {
  Nsid nsid;
  Uuid uuid;
  Nguid nguid{};
  AnaGroupId ana_group{1};
  bool read_only = false;  // of the namespace or of its backend
  std::shared_ptr<block::Backend> backend;
  block::Geometry geometry;
  // Counted up by what must wait for all commands that were admitted before it.
  std::uint32_t admission = 0;
};

struct SubsystemSettings {
  std::string serial;              // at most 20 ASCII characters
  std::string model = "Weft";      // at most 40
  std::string firmware = "0.1.0";  // at most 8
  std::uint32_t ieee_oui = 0;
  std::uint16_t vendor_id = 0;
  std::uint16_t subsystem_vendor_id = 0;
  wire::Version version = wire::kVersion21;
  std::uint16_t cntlid_min = 1;
  std::uint16_t cntlid_max = 65519;
  std::uint16_t qid_max = 128;             // I/O queues of a controller
  std::uint32_t queue_entries = 1024;      // CAP.MQES, one-based
  std::uint32_t mdts_bytes = 1u << 20;     // a power of two of 4096
  std::uint32_t in_capsule_bytes = 16384;  // of I/O queues
  bool allow_any_host = false;
};

struct Snapshot {
  std::uint64_t generation = 0;
  SubsystemSettings settings;
  std::vector<std::shared_ptr<const NamespaceInfo>> namespaces;  // by ascending nsid
  std::vector<PortAna> ports;                                    // of those that were told their states
  std::uint64_t ana_changes = 0;                                 // the change count of log page 0Ch

  const AnaStates& ana_of(PortId port) const {
    static constexpr AnaStates kDefault;
    const auto it = std::ranges::find(ports, port, &PortAna::port);
    return it == ports.end() ? kDefault : *it->states;
  }
  const NamespaceInfo* find(Nsid nsid) const {
    const auto it = std::lower_bound(namespaces.begin(), namespaces.end(), nsid,
                                     [](const auto& info, Nsid id) { return info->nsid < id; });
    return it != namespaces.end() && (*it)->nsid == nsid ? it->get() : nullptr;
  }
};

inline constexpr std::uint32_t kMaxNamespaces = 1024;  // of a subsystem

}  // namespace weft::target
