// A weftd of a benchmark's own, with its tree, socket, state and store in folders of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace weft::bench {

// A folder that goes away with this.
class Folder {
 public:
  explicit Folder(const std::string& parent);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class Daemon {
 public:
  // Returns when its tree is there.  The store is in `folder` too.  Ends the program when it does not start.
  explicit Daemon(const Folder& folder);
  ~Daemon();  // SIGKILL, and the mount goes
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  const std::string& tree() const { return tree_; }
  const std::string& socket() const { return socket_; }
  std::uint64_t resident_bytes() const;

 private:
  const std::string tree_;
  const std::string socket_;
  pid_t pid_ = -1;
};

// Says why and ends the program with 1.
[[noreturn]] void give_up(const std::string& why);

// A TCP port of 127.0.0.1 that nobody has.
std::uint16_t free_port();

}  // namespace weft::bench
