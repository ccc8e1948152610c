// The settings of a subsystem as attribute rows, with the names that they have below subsystems/<nqn>/.
#pragma once

#include <span>

#include "base/attribute.h"
#include "target/snapshot.h"

namespace weft::config {

// Sorted by name.  Applied in this order to default settings, a set of values that fits together is accepted.
std::span<const AttributeRow<target::SubsystemSettings>> subsystem_attributes();

}  // namespace weft::config
