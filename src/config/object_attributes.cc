#include <fmt/format.h>

#include <cerrno>

#include "config/address_words.h"
#include "config/attributes.h"
#include "config/values.h"

namespace weft::config {

namespace {

Result<> store_company_id(DeviceIdentity& identity, std::string_view value) {
  const auto oui = parse_number(value, 0, 0xFFFFFF);
  if (!oui)
    return fail(EINVAL, fmt::format("\"{}\" must be an IEEE OUI below 0x1000000, like 0x001405", value));
  identity.company_id = static_cast<std::uint32_t>(*oui);
  return {};
}

Result<> store_unit_serial(DeviceIdentity& identity, std::string_view value) {
  const auto serial = read_uuid(value);
  if (!serial) return std::unexpected(serial.error());
  identity.unit_serial = *serial;
  return {};
}

constexpr AttributeRow<DeviceIdentity> kDeviceIdentityRows[] = {
    {"company_id", "IEEE OUI, below 0x1000000; default 0x000000", Mutability::locked,
     [](const DeviceIdentity& identity) { return fmt::format("0x{:06x}", identity.company_id); },
     store_company_id},
    {"product_id", "1 to 16 ASCII characters; default the plugin's name", Mutability::locked,
     [](const DeviceIdentity& identity) { return identity.product_id; },
     [](DeviceIdentity& identity, std::string_view value) {
       return store_text(identity.product_id, value, 16);
     }},
    {"revision", "1 to 4 ASCII characters; default the version of Weft", Mutability::locked,
     [](const DeviceIdentity& identity) { return identity.revision; },
     [](DeviceIdentity& identity, std::string_view value) {
       return store_text(identity.revision, value, 4);
     }},
    {"vendor_id", "1 to 8 ASCII characters; default WEFT", Mutability::locked,
     [](const DeviceIdentity& identity) { return identity.vendor_id; },
     [](DeviceIdentity& identity, std::string_view value) {
       return store_text(identity.vendor_id, value, 8);
     }},
    {"vpd_unit_serial", "UUID that identifiers of namespaces are made from; default made up once and kept",
     Mutability::locked,
     [](const DeviceIdentity& identity) {
       return identity.unit_serial ? uuid_text(*identity.unit_serial) : std::string();
     },
     store_unit_serial},
};

Result<> store_read_only(NamespaceEntry& entry, std::string_view value) {
  const auto flag = read_flag(value);
  if (!flag) return std::unexpected(flag.error());
  entry.read_only = *flag;
  return {};
}

Result<> store_uuid(NamespaceEntry& entry, std::string_view value) {
  const auto uuid = read_uuid(value);
  if (!uuid) return std::unexpected(uuid.error());
  entry.uuid = *uuid;
  return {};
}

Result<> store_nguid(NamespaceEntry& entry, std::string_view value) {
  target::Nguid id{};
  if (const auto dashed = parse_uuid(value))
    id = dashed->bytes;
  else if (!parse_hex(value, id.data(), id.size()))
    return fail(EINVAL, fmt::format("\"{}\" must be 32 hexadecimal digits", value));
  entry.nguid = id;
  return {};
}

Result<> store_ana_group(NamespaceEntry& entry, std::string_view value) {
  const auto group = read_ana_group(value);
  if (!group) return std::unexpected(group.error());
  entry.ana_group = *group;
  return {};
}

constexpr AttributeRow<NamespaceEntry> kNamespaceRows[] = {
    {"ana_grpid", "ANA group, 1 to 128; default 1", Mutability::live,
     [](const NamespaceEntry& entry) { return fmt::to_string(entry.ana_group.value()); }, store_ana_group},
    {"device_nguid",
     "NGUID, 32 hexadecimal digits, all 0: none; default made from the unit serial, the NQN and the nsid",
     Mutability::locked,
     [](const NamespaceEntry& entry) { return entry.nguid ? uuid_text(Uuid{*entry.nguid}) : std::string(); },
     store_nguid},
    {"device_uuid", "UUID; default made from the unit serial, the NQN and the nsid", Mutability::locked,
     [](const NamespaceEntry& entry) { return entry.uuid ? uuid_text(*entry.uuid) : std::string(); },
     store_uuid},
    {"readonly", "1: hosts cannot write; default 0", Mutability::locked,
     [](const NamespaceEntry& entry) -> std::string { return entry.read_only ? "1" : "0"; }, store_read_only},
};

constexpr AttributeRow<PortEntry> kPortRows[] = {
    {"addr_advertise",
     "ADDRESS:SERVICE that the discovery log names instead of the one that a host reached; default empty",
     Mutability::locked, [](const PortEntry& entry) { return entry.advertise; },
     [](PortEntry& entry, std::string_view value) -> Result<> {
       if (!value.empty())
         if (const auto address = parse_address(value); !address) return std::unexpected(address.error());
       entry.advertise = value;
       return {};
     }},
};

constexpr AttributeRow<wire::AnaState> kAnaGroupRows[] = {
    {"ana_state",
     "optimized, non-optimized, inaccessible, persistent-loss or change; default inaccessible, of group 1 "
     "optimized",
     Mutability::live, [](const wire::AnaState& state) { return std::string(name(state)); },
     [](wire::AnaState& state, std::string_view value) -> Result<> {
       const auto read = read_ana_state(value);
       if (!read) return std::unexpected(read.error());
       state = *read;
       return {};
     }},
};

constexpr AttributeRow<ReferralEntry> kReferralRows[] = {
    {"addr_adrfam", "ipv4, ipv6, ib, fc, pci or loop; default ipv4", Mutability::locked,
     [](const ReferralEntry& entry) { return entry.adrfam; },
     [](ReferralEntry& entry, std::string_view value) { return store_adrfam(entry.adrfam, value); }},
    {"addr_portid", "PORTID of the entry in the discovery log, 0 to 65535; default 0", Mutability::locked,
     [](const ReferralEntry& entry) { return fmt::to_string(entry.portid); },
     [](ReferralEntry& entry, std::string_view value) -> Result<> {
       const auto number = parse_number(value, 0, 0xFFFF);
       if (!number) return fail(EINVAL, fmt::format("\"{}\" must be a number from 0 to 65535", value));
       entry.portid = static_cast<std::uint16_t>(*number);
       return {};
     }},
    {"addr_traddr", "address, at most 256 characters", Mutability::locked,
     [](const ReferralEntry& entry) { return entry.traddr; },
     [](ReferralEntry& entry, std::string_view value) { return store_traddr(entry.traddr, value); }},
    {"addr_treq", "not specified, required or not required: a secure channel; default not specified",
     Mutability::locked, [](const ReferralEntry& entry) { return entry.treq; },
     [](ReferralEntry& entry, std::string_view value) { return store_treq(entry.treq, value); }},
    {"addr_trsvcid", "service id, at most 32 characters: the port of TCP", Mutability::locked,
     [](const ReferralEntry& entry) { return entry.trsvcid; },
     [](ReferralEntry& entry, std::string_view value) { return store_trsvcid(entry.trsvcid, value); }},
    {"addr_trtype", "tcp, rdma, fc, pci or loop; required", Mutability::locked,
     [](const ReferralEntry& entry) { return entry.trtype; },
     [](ReferralEntry& entry, std::string_view value) { return store_trtype(entry.trtype, value); }},
};

}  // namespace

std::span<const AttributeRow<DeviceIdentity>> device_identity_attributes() {
  return kDeviceIdentityRows;
}

std::span<const AttributeRow<wire::AnaState>> ana_group_attributes() {
  return kAnaGroupRows;
}

std::span<const AttributeRow<NamespaceEntry>> namespace_attributes() {
  return kNamespaceRows;
}

std::span<const AttributeRow<PortEntry>> port_attributes() {
  return kPortRows;
}

std::span<const AttributeRow<ReferralEntry>> referral_attributes() {
  return kReferralRows;
}

}  // namespace weft::config
