// A backend as a file, for losetup and every program that wants one: DIRECTORY/disk, in a FUSE mount of its
// own, so that what is read there never waits behind the configuration.
//
// Nothing is cached: what write(2) has returned for is at the backend, fsync flushes it, punching a hole
// makes it zeroes whose space may go back.  The file is as long as the backend; truncating it changes
// nothing, as with a device.  Any offset and length do; those that are no multiples of the block cost a read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/loop.h"
#include "base/result.h"
#include "block/backend.h"

namespace weft::file_export {

struct Shared;

class FileExport {
 public:
  static constexpr const char* kName = "disk";

  // The directory is made when missing.  Off the loops, as all else.
  static Result<std::unique_ptr<FileExport>> start(Loops& loops, std::shared_ptr<block::Backend> backend,
                                                   const std::string& directory);
  // No more requests are taken.
  void end();
  ~FileExport();  // ends, waits for what the backend has not answered, and unmounts

  std::string path() const;
  // Any thread.
  std::uint32_t clients() const;  // open files
  bool is_idle() const;           // no request is under way

 private:
  explicit FileExport(std::unique_ptr<Shared> shared);
  const std::unique_ptr<Shared> shared_;
};

}  // namespace weft::file_export
