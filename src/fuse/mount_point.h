// Making a directory ready to be mounted on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::fuse {

// How a mount of ours is named in /proc/self/mountinfo.
inline constexpr std::string_view kMountType = "fuse.weft";

struct MountedThere {
  std::string type;    // "ext4", "fuse.weft"
  std::string source;  // "/dev/sda1", "weft"
};

// What is on top of `directory` (canonical), by the text of a mountinfo file (proc(5)).
std::optional<MountedThere> mounted_there(std::string_view mountinfo, std::string_view directory);

// Creates `directory` (absolute) where it is missing, detaches dead mounts of Weft from it, and refuses a
// live one, anybody else's, and a directory with something inside.  Its canonical path.
//
// Errors: EINVAL, EBUSY, ENOTEMPTY, ENOTDIR, and the system's.  May wait for a live mount whose process does
// not answer.  Any thread.
Result<std::string> prepare_mount_point(const std::string& directory);

// ENOENT, EACCES, ...: this process cannot mount anything with FUSE, and what to do.
Result<> check_fuse_available();

// Detaches what is mounted on `directory`: as root by itself, else with fusermount3.
Result<> detach_mount(const std::string& directory);

}  // namespace weft::fuse
