// The configuration as a JSON document: the form in which people keep it and in which it is saved.  It
// mirrors the configuration tree:
//
//   {"version": 1,
//    "target": {"core": {"rd_mcp_1": {"disk": {"control": {"rd_pages": "32768"}, "enable": 1,
//                                              "alias": "<text>", "udev_path": "<text>",
//                                              "wwn": {"vpd_unit_serial": "<uuid>", "vendor_id": "<text>",
//                                                      "product_id": "<text>", "revision": "<text>",
//                                                      "company_id": "0x001405"}}}}},
//    "nvmet": {"discovery": {"ports": {"tcp:127.0.0.1:8009": {"enable": 1}},
//                            "referrals": {"<name>": {"addr_trtype": "tcp", "addr_adrfam": "ipv4",
//                                          "addr_traddr": "10.0.0.9", "addr_trsvcid": "8009", "enable": 1}}},
//              "discovery_nqn": "<nqn>",
//              "subsystems": {"<nqn>": {"attr_allow_any_host": "0",
//                "hosts": {"<nqn>": {"link_target": "<path>"}},
//                "namespaces": {"ns_1": {"device": "target/core/rd_mcp_1/disk", "link_name": "1",
//                                        "link_target": "<path>", "device_uuid": "<uuid>",
//                                        "device_nguid": "<uuid>", "ana_grpid": 1, "readonly": 0,
//                                        "device_path": "<path>", "buffered_io": 0}},
//                "ports": {"tcp:10.0.0.5:4420": {"enable": 1, "addr_advertise": "192.0.2.1:4420",
//                                                "ana_groups": {"2": {"ana_state": "inaccessible"}}}}}}},
//    "kernel": {"nvmet": {"hosts": {"<nqn>": {}},
//                         "ports": {"1": {"addr_trtype": "tcp", "addr_adrfam": "ipv4",
//                                         "addr_traddr": "10.0.0.5", "addr_trsvcid": "4420",
//                                         "param_mdts": 5, "listen": 1,
//                                         "ana_groups": {"2": {"ana_state": "inaccessible"}},
//                                         "subsystems": {"<nqn>": {"link_target": "<path>", "held": 0}}}}}}}
//
// What is below "kernel" is what that layout alone knows: hosts that were made there, and its ports as they
// were written.  That a port's subsystems can be reached by it, their own ports say.
//
// Pure values; any thread.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "block/plugin.h"
#include "config/port_name.h"
#include "target/snapshot.h"

namespace weft::config {

// What people note about a device.
struct DeviceNotes {
  std::string alias;
  std::string udev_path;
  bool operator==(const DeviceNotes&) const = default;
};

// Who a device says it is, below its wwn/.  NVMe hosts are told the unit serial alone, in the identifiers of
// namespaces that are made from it; the rest is for people: hosts see what the subsystem says.
struct DeviceIdentity {
  std::string vendor_id;  // empty, as the next two: see Device::identity
  std::string product_id;
  std::string revision;
  std::uint32_t company_id = 0;     // an IEEE OUI
  std::optional<Uuid> unit_serial;  // none: the state folder's, or made up
  bool operator==(const DeviceIdentity&) const = default;
};

struct DeviceEntry {
  block::ControlValues control;
  bool enable = true;
  DeviceIdentity identity;
  DeviceNotes notes;
  bool operator==(const DeviceEntry&) const = default;
};

struct NamespaceEntry {
  std::string device;       // <plugin>_<N>/<device>; empty: no link
  std::string directory;    // how it is named; empty: the number itself
  std::string link_name;    // empty: the device's own name
  std::string link_target;  // empty: the device's place, relative to the link
  std::optional<Uuid> uuid;
  std::optional<target::Nguid> nguid;
  AnaGroupId ana_group{1};
  bool read_only = false;
  // What the kernel layout links it to, of one that has no link.
  std::string device_path;
  bool buffered_io = false;
  bool operator==(const NamespaceEntry&) const = default;
};

struct HostEntry {
  std::string link_target;  // of the kernel layout's link, as it was written; else empty
  bool operator==(const HostEntry&) const = default;
};

// The ANA groups of a port that were made, with their states.
using AnaGroups = std::map<AnaGroupId, wire::AnaState>;

struct PortEntry {
  bool enable = true;
  std::string advertise;                                                // ADDRESS:SERVICE, or empty
  AnaGroups ana_groups = {{AnaGroupId(1), wire::AnaState::optimized}};  // the first is always there
  bool operator==(const PortEntry&) const = default;
};

struct ReferralEntry {
  bool enable = true;
  std::string trtype;  // see config/address_words.h
  std::string adrfam = "ipv4";
  std::string traddr;
  std::string trsvcid;
  std::string treq = "not specified";
  std::uint16_t portid = 0;
  bool operator==(const ReferralEntry&) const = default;
};

struct SubsystemEntry {
  std::map<std::string, std::string> attributes;  // those that are named, as their rows show them
  std::map<std::string, HostEntry> hosts;
  std::map<Nsid, NamespaceEntry> namespaces;
  std::map<PortName, PortEntry> ports;
  bool operator==(const SubsystemEntry&) const = default;
};

// A port of the kernel layout.
struct KernelPortEntry {
  std::string trtype;
  std::string adrfam;
  std::string traddr;
  std::string trsvcid;
  std::map<std::string, std::string> params;  // by name, those that are not the default
  bool listen = true;
  AnaGroups ana_groups = PortEntry().ana_groups;
  bool operator==(const KernelPortEntry&) const = default;
};

struct KernelLink {
  std::string target;    // as it was written
  bool is_held = false;  // its port does not listen
  bool operator==(const KernelLink&) const = default;
};

struct KernelPort {
  KernelPortEntry entry;
  std::map<std::string, KernelLink> links;  // by NQN
  bool operator==(const KernelPort&) const = default;
};

struct Document {
  std::set<std::string> empty_adapters;        // <plugin>_<N> without a device
  std::map<std::string, DeviceEntry> devices;  // by <plugin>_<N>/<device>
  std::map<PortName, PortEntry> discovery_ports;
  std::map<std::string, ReferralEntry> referrals;
  std::map<std::string, SubsystemEntry> subsystems;
  std::string discovery_nqn;  // empty: the well-known one
  std::set<std::string> kernel_hosts;
  std::map<PortId, KernelPort> kernel_ports;
  bool operator==(const Document&) const = default;
};

// What is wrong with one item, for people.
struct Problem {
  std::string path;    // of the item: nvmet/subsystems/nqn.x/namespaces/1
  std::string reason;  // the value, the rule, what to do
  int code = EINVAL;   // an errno
  std::string text() const { return path + ": " + reason; }
};

struct ParsedDocument {
  Document document;  // without the items that have a problem
  std::vector<Problem> problems;
};

// EINVAL: the text is no JSON or not such a document at all.  A problem of one item (device, namespace, host,
// port, referral, subsystem) leaves out that item as a whole and nothing else.
Result<ParsedDocument> parse_document(std::string_view text);

// What parse_document reads back as an equal document; indented, keys sorted, with a newline at the end.
std::string write_document(const Document& document);

// Of <plugin>_<N>/<device>: the two parts.
std::pair<std::string, std::string> split_device(const std::string& name);

// The settings that an entry asks for: the defaults of this NQN and the entry's attributes.  The error's
// message begins with the attribute.
Result<target::SubsystemSettings> settings_of(const std::string& nqn,
                                              const std::map<std::string, std::string>& attributes);
// The other way: those that differ from the defaults of this NQN.
std::map<std::string, std::string> attributes_of(const std::string& nqn,
                                                 const target::SubsystemSettings& settings);

}  // namespace weft::config
