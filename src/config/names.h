// Names in the configuration tree.  Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace weft::config {

// Of a device, a referral: a part of a path.  EINVAL.
Result<> check_name(std::string_view name);
Result<> check_adapter_name(std::string_view name);  // <plugin>_<N>

// "7" or "ns_7".  EINVAL.
Result<Nsid> parse_nsid(std::string_view name);

// <plugin>_<N>/<device> of what a link points to: the tail target/core/<plugin>_<N>/<device>, whatever stands
// before it.  EINVAL.
Result<std::string> linked_device(std::string_view target);

// What a link into a folder of the kernel layout points to: the last part of `target`, which must end in
// <folder>/<name>, whatever stands before it.  EINVAL.
Result<std::string> linked_name(std::string_view target, std::string_view folder);

}  // namespace weft::config
