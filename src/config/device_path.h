// What Linux nvmet calls a namespace's device_path: a file or block device of the machine, for which a
// backend is made that goes with the namespace; or core/<plugin>_<N>/<device>, a backend that stands for
// itself.  Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "block/plugin.h"
#include "config/device.h"

namespace weft::config {

// The name of the backend that goes with a namespace, nvmet-<nsid>-<32 hexadecimal digits>: another for each
// subsystem, nsid and path.
std::string own_device_name(std::string_view nqn, Nsid nsid, std::string_view path);

// Whether the backend is one that goes with this namespace: it is named as its path wants it.
bool is_own_device(const Device& device, std::string_view nqn, Nsid nsid);

// device_path of a namespace that is linked to the device.
std::string device_path_of(const Device& device, std::string_view nqn, Nsid nsid);

// <plugin>_<N>/<device> of core/<plugin>_<N>/<device>; empty: it is a path of the machine.
std::optional<std::string> named_device(std::string_view device_path);

// EINVAL: neither of the two.
Result<> check_device_path(std::string_view device_path);

}  // namespace weft::config
