// The numbers by which the kernel names what it has looked up, and the paths that they stand for.
//
// A number belongs to one object for the object's life: what is removed and made again under the same name
// gets a new one, and numbers are never used again.  What the kernel still holds of a removed object (a
// process's working directory, an open file) has no path any more, whatever took its name.
//
// An entry lives while the kernel remembers it or something below it, so the table is as large as the
// kernel's own cache of it.
//
// Any thread; the lock is held for none but the table's own steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/tree.h"

namespace weft::faces {

using Inode = std::uint64_t;
inline constexpr Inode kRootInode = 1;

class InodeTable {
 public:
  InodeTable();
  InodeTable(const InodeTable&) = delete;
  InodeTable& operator=(const InodeTable&) = delete;

  // Empty: the object, or one above it, is gone.
  std::optional<std::string> path(Inode inode) const;
  std::optional<std::string> path(Inode parent, std::string_view name) const;

  // Of those that the kernel knows.
  std::optional<Inode> find(Inode parent, std::string_view name) const;
  Inode parent(Inode inode) const;  // the root's is the root

  // The kernel is about to be told of what has this name: one more lookup, to be forgotten one day.  Empty:
  // the parent is not known.
  std::optional<Inode> enter(Inode parent, std::string_view name, config::NodeKind kind);
  // The same for what was made just now, which is no object that had the name before.
  std::optional<Inode> enter_new(Inode parent, std::string_view name, config::NodeKind kind);

  // The object is gone; its number stays until the kernel forgets it.
  void detach(Inode inode);
  void detach(Inode parent, std::string_view name);

  void forget(Inode inode, std::uint64_t lookups);

  std::size_t size() const;  // with the root

 private:
  struct Node {
    Inode number = 0;
    Node* parent = nullptr;  // null: the root
    std::string name;
    config::NodeKind kind = config::NodeKind::directory;
    bool attached = true;
    std::uint64_t lookups = 0;
    std::size_t children = 0;                         // attached or not
    std::map<std::string, Node*, std::less<>> names;  // the attached ones
  };

  const Node* node(Inode inode) const;
  Node* node(Inode inode);
  Node* child(Inode parent, std::string_view name) const;
  static std::optional<std::string> path_of(const Node* node);
  Inode enter_below(Node& parent, std::string_view name, config::NodeKind kind);
  void detach(Node& node);
  void drop_unused(Node* node);

  mutable std::mutex mutex_;
  std::unordered_map<Inode, Node> nodes_;
  Inode next_ = kRootInode + 1;
};

}  // namespace weft::faces
