// Files whose names and content survive a crash.  Any thread that may wait for a disk.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weft {

// As a whole: a crash at any moment leaves the old content or the new, and the new one when it has returned.
// Readable by its owner alone.  After an error the old content is there, unless the last step failed, making
// the name durable.  Of several at once the last one wins.  A symbolic link is replaced itself.
Result<> replace_file(const std::string& path, std::string_view content);

// The names that were made, changed and removed in it are on the disk when this returns.
Result<> sync_directory(const std::string& path);

}  // namespace weft
