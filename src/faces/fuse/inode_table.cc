#include "faces/fuse/inode_table.h"

#include <algorithm>
#include <vector>

namespace weft::faces {

namespace {

std::string join(std::string path, std::string_view name) {
  if (!path.empty()) path += '/';
  return path.append(name);
}

}  // namespace

InodeTable::InodeTable() {
  Node& root = nodes_[kRootInode];
  root.number = kRootInode;
  root.lookups = 1;  // it is never forgotten
}

std::optional<std::string> InodeTable::path(Inode inode) const {
  const std::scoped_lock lock(mutex_);
  return path_of(node(inode));
}

std::optional<std::string> InodeTable::path(Inode parent, std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  std::optional<std::string> above = path_of(node(parent));
  if (!above) return std::nullopt;
  return join(*std::move(above), name);
}

std::optional<Inode> InodeTable::find(Inode parent, std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const Node* const found = child(parent, name);
  return found == nullptr ? std::nullopt : std::optional(found->number);
}

Inode InodeTable::parent(Inode inode) const {
  const std::scoped_lock lock(mutex_);
  const Node* const its = node(inode);
  return its == nullptr || its->parent == nullptr ? kRootInode : its->parent->number;
}

std::optional<Inode> InodeTable::enter(Inode parent, std::string_view name, config::NodeKind kind) {
  const std::scoped_lock lock(mutex_);
  Node* const above = node(parent);
  if (above == nullptr) return std::nullopt;
  if (Node* const known = child(parent, name)) {
    if (known->kind == kind) {
      ++known->lookups;
      return known->number;
    }
    detach(*known);  // the kernel's inodes never change their kind
  }
  return enter_below(*above, name, kind);
}

std::optional<Inode> InodeTable::enter_new(Inode parent, std::string_view name, config::NodeKind kind) {
  const std::scoped_lock lock(mutex_);
  Node* const above = node(parent);
  if (above == nullptr) return std::nullopt;
  if (Node* const known = child(parent, name)) detach(*known);
  return enter_below(*above, name, kind);
}

void InodeTable::detach(Inode inode) {
  const std::scoped_lock lock(mutex_);
  if (Node* const its = node(inode)) detach(*its);
}

void InodeTable::detach(Inode parent, std::string_view name) {
  const std::scoped_lock lock(mutex_);
  if (Node* const its = child(parent, name)) detach(*its);
}

void InodeTable::forget(Inode inode, std::uint64_t lookups) {
  const std::scoped_lock lock(mutex_);
  Node* const its = node(inode);
  if (its == nullptr || its->parent == nullptr) return;
  its->lookups -= std::min(its->lookups, lookups);
  drop_unused(its);
}

std::size_t InodeTable::size() const {
  const std::scoped_lock lock(mutex_);
  return nodes_.size();
}

const InodeTable::Node* InodeTable::node(Inode inode) const {
  const auto found = nodes_.find(inode);
  return found == nodes_.end() ? nullptr : &found->second;
}

InodeTable::Node* InodeTable::node(Inode inode) {
  const auto found = nodes_.find(inode);
  return found == nodes_.end() ? nullptr : &found->second;
}

InodeTable::Node* InodeTable::child(Inode parent, std::string_view name) const {
  const Node* const above = node(parent);
  if (above == nullptr) return nullptr;
  const auto found = above->names.find(name);
  return found == above->names.end() ? nullptr : found->second;
}

std::optional<std::string> InodeTable::path_of(const Node* node) {
  if (node == nullptr) return std::nullopt;
  std::vector<std::string_view> names;
  for (; node->parent != nullptr; node = node->parent) {
    if (!node->attached) return std::nullopt;
    names.push_back(node->name);
  }
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) path = join(std::move(path), *name);
  return path;
}

Inode InodeTable::enter_below(Node& parent, std::string_view name, config::NodeKind kind) {
  Node& made = nodes_[next_];
  made.number = next_++;
  made.parent = &parent;
  made.name = name;
  made.kind = kind;
  made.lookups = 1;
  ++parent.children;
  parent.names.emplace(name, &made);
  return made.number;
}

void InodeTable::detach(Node& node) {
  if (node.parent == nullptr || !node.attached) return;
  node.attached = false;
  node.parent->names.erase(node.name);
}

void InodeTable::drop_unused(Node* node) {
  while (node->parent != nullptr && node->lookups == 0 && node->children == 0) {
    Node* const parent = node->parent;
    detach(*node);
    nodes_.erase(node->number);
    --parent->children;
    node = parent;
  }
}

}  // namespace weft::faces
