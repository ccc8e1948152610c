// The file system below the store's database: real files in a directory of this run, behind a layer of
// SQLite's (a VFS) that knows what has been synced.  The process works in that directory, so that messages
// name the same files in each run.  A loss of power leaves of each sector written since the last sync the
// state that it had then, or any later one.  Syncing takes its time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/world.h"

namespace weft::sim {

class StoreDisk {
 public:
  explicit StoreDisk(World& world);
  ~StoreDisk();
  StoreDisk(const StoreDisk&) = delete;
  StoreDisk& operator=(const StoreDisk&) = delete;

  std::string database() const { return directory() + "/config.db"; }  // of the process that runs now
  // The process is no more, and with `power` its machine: who comes next finds what is left.
  void crash(bool power);
  void set_full(bool full) { is_full_ = full; }  // until the next crash
  bool is_full() const { return is_full_; }
  void fill_after(unsigned writes) { room_ = writes; }

  // --- for the layer
  bool take_room();
  void wrote(const std::string& path, std::int64_t offset, std::vector<char> before, std::vector<char> after);
  void cut(const std::string& path, std::int64_t size);  // taken for durable at once
  void sync(const std::string& path);

 private:
  struct Write {
    std::uint64_t offset;
    std::vector<char> before;  // shorter than `after` where the file ended
    std::vector<char> after;
  };
  std::string directory() const { return std::to_string(life_); }
  std::vector<char> left_of(const std::string& path, std::vector<char> content);

  World& world_;
  const std::string before_;  // where the process worked
  const std::string root_;
  unsigned life_ = 0;
  bool is_full_ = false;
  std::optional<unsigned> room_;                        // writes until it is full
  std::map<std::string, std::vector<Write>> unsynced_;  // by path
};

}  // namespace weft::sim
