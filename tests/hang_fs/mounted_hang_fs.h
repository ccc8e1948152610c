// weft_hang_fs, mounted for as long as this lives.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace weft::e2e {

class MountedHangFs {
 public:
  // `mode`: what hangs, open, io or close.  Null when this machine mounts no such file system; `why` then
  // says why.
  static std::unique_ptr<MountedHangFs> mount(const std::string& mode, const std::string& directory,
                                              std::string& why);
  // Ends all calls that hang, and the mount; aborts when that fails.
  ~MountedHangFs();
  MountedHangFs(const MountedHangFs&) = delete;
  MountedHangFs& operator=(const MountedHangFs&) = delete;

  std::string file(unsigned number) const { return directory_ + "/" + std::to_string(number); }
  void begin_to_hang();

 private:
  MountedHangFs(pid_t pid, std::string directory) : pid_(pid), directory_(std::move(directory)) {}

  const pid_t pid_;
  const std::string directory_;
};

}  // namespace weft::e2e
