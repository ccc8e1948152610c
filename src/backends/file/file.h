// Regular files as disks.  Direct I/O unless fd_buffered_io=1; discard and zeroes by fallocate; flush is
// fdatasync.
//
// A file belongs to one backend: it takes a lock on the open file description (OFD), for writing or, when
// readonly=1, for reading, so that a second opener anywhere is refused unless shared=1.
#pragma once

#include "block/plugin.h"
#include "reactor/file_io.h"

namespace weft::backends {

// The FileIos outlives every backend that the plugin opened.
block::Plugin make_file_plugin(reactor::FileIos& files);

}  // namespace weft::backends
