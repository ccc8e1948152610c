// What people write to name something to export: 1G, ramdisk:1G, null:1T, file:PATH, block:PATH or a PATH
// alone, each with options behind commas (file:disk.img,size=10G,buffered).  A comma that belongs to a path
// is written twice.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/document.h"

namespace weft::cli {

struct Export {
  std::string text;    // as it was written
  std::string device;  // <plugin>_<N>/<device>: the same for the same file in every run
  std::string what;    // the plugin and its path or size: what makes this export this export
  config::DeviceEntry entry;
};

// One way to write an option, and the control key that it stands for.
struct ExportOption {
  std::string_view name;
  std::string_view key;
  bool is_flag = false;  // without a value: 1
};

struct ExportKind {
  std::string_view name;    // ramdisk, file, block, null
  std::string_view plugin;  // rd_mcp, fileio, iblock, null
  std::string_view key;     // control key of what stands behind the colon
  bool is_path = false;
  std::span<const ExportOption> options;
};
std::span<const ExportKind> export_kinds();

// `place` counts from 1.  Looks at the file system to see what a path is.  EINVAL: it is written wrongly;
// another errno: it cannot be had.
Result<Export> parse_export(std::string_view text, std::size_t place);

}  // namespace weft::cli
