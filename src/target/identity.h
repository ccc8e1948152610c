// Identifiers that are the same after a restart, and differ between subsystems and between backends.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/text.h"
#include "target/snapshot.h"

namespace weft::target {

// UUID version 5 of (unit serial, subsystem NQN, nsid).
Uuid namespace_uuid(const Uuid& unit_serial, std::string_view nqn, Nsid nsid);
// Likewise, with another salt; the form is vendor specific.
Nguid namespace_nguid(const Uuid& unit_serial, std::string_view nqn, Nsid nsid);
std::string default_serial(std::string_view nqn);  // 20 hexadecimal digits

}  // namespace weft::target
