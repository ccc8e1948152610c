// The settings of subsystems, namespaces and ports as attribute rows, with the names that they have in the
// tree and in documents.
#pragma once

#include <span>

#include "base/attribute.h"
#include "config/document.h"
#include "target/snapshot.h"

namespace weft::config {

// Sorted by name.  Applied in this order to default settings, a set of values that fits together is accepted.
std::span<const AttributeRow<target::SubsystemSettings>> subsystem_attributes();

// Below <device>/wwn/, namespaces/<nsid>/, ports/<name>/ and referrals/<name>/.  Sorted by name.
std::span<const AttributeRow<DeviceIdentity>> device_identity_attributes();
std::span<const AttributeRow<NamespaceEntry>> namespace_attributes();
std::span<const AttributeRow<PortEntry>> port_attributes();
std::span<const AttributeRow<wire::AnaState>> ana_group_attributes();  // ports/<name>/ana_groups/<id>/
std::span<const AttributeRow<ReferralEntry>> referral_attributes();
std::span<const AttributeRow<KernelPortEntry>> kernel_port_attributes();  // kernel/nvmet/ports/<id>/

}  // namespace weft::config
