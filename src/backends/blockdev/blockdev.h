// Block devices as disks: direct I/O; discard and zeroes by fallocate on the device; flush is fdatasync.
//
// A device is opened with O_EXCL, so that a second opener, here or elsewhere, and a mount are refused, unless
// exclusive=0 or shared=1.  A device that changes its size tells by a uevent.
#pragma once

#include "block/plugin.h"
#include "reactor/file_io.h"

namespace weft::backends {

// The FileIos outlives every backend that the plugin opened.
block::Plugin make_blockdev_plugin(reactor::FileIos& files);

}  // namespace weft::backends
