// The configuration tree as its faces see it: directories, attributes and links, by path.  A path has no
// slash in front or behind ("nvmet/subsystems/nqn.x/hosts"); the empty path is the root.  Every directory
// belongs to an object (a backend, a subsystem, ...), an attribute to its directory.
//
// Errors are errnos with a line for people, which the object's `last_error` shows as well.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::config {

enum class NodeKind : std::uint8_t { directory, attribute, link };

struct NodeInfo {
  NodeKind kind = NodeKind::directory;
  bool readable = true;   // attributes: can be read
  bool writable = false;  // attributes: can be written; directories: mkdir or symlink may work in it
  bool fixed = false;     // it comes and goes with its directory alone
  std::chrono::system_clock::time_point changed;
};

struct NodeEntry {
  std::string name;
  NodeKind kind = NodeKind::directory;
};

// Called once, from any thread, perhaps before the call that took it has returned.
using Answer = std::move_only_function<void(Result<>)>;

class Tree {
 public:
  virtual ~Tree() = default;

  // --- looking.  Any thread; never waits for a backend or a host.  ENOENT, ENOTDIR, EISDIR, EINVAL, EACCES.
  virtual Result<NodeInfo> info(std::string_view path) const = 0;
  virtual Result<std::vector<NodeEntry>> list(std::string_view path) const = 0;  // sorted by name
  virtual Result<std::string> read(std::string_view path) const = 0;       // an attribute, without a newline
  virtual Result<std::string> read_link(std::string_view path) const = 0;  // as it was written

  // --- changing.  Any thread but a loop's; returns at once.  What takes its time answers later, and goes on
  // to its end whether somebody waits or not.
  virtual void make_directory(std::string_view path, Answer answer) = 0;
  virtual void remove_directory(std::string_view path, Answer answer) = 0;  // with the attributes inside
  virtual void make_link(std::string_view path, std::string_view target, Answer answer) = 0;
  virtual void remove_link(std::string_view path, Answer answer) = 0;
  // One newline behind the value does not belong to it.
  virtual void write(std::string_view path, std::string_view value, Answer answer) = 0;
};

}  // namespace weft::config
