// A place in the configuration tree, made for one call that looks at it or changes something in it.  What is
// not overridden is refused with the errno that a file system gives.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/last_error.h"
#include "config/tree.h"

namespace weft::config {

class Node {
 public:
  virtual ~Node() = default;

  virtual NodeInfo info() const = 0;  // a time only where `row` does not tell it all

  // Of directories.  Null: there is none of this name.
  virtual std::unique_ptr<Node> find(std::string_view name) const;
  virtual std::vector<NodeEntry> list() const;
  virtual bool keeps(std::string_view name) const;  // the directory of this name is there as long as this one
  virtual void make_directory(const std::string& name, Answer answer);
  virtual void remove_directory(const std::string& name, Answer answer);
  virtual void make_link(const std::string& name, const std::string& target, Answer answer);
  virtual void remove_link(const std::string& name, Answer answer);

  // Of attributes and links.
  virtual Result<std::string> read() const;
  virtual void write(std::string_view value, Answer answer);
  virtual Result<std::string> read_link() const;

  // Where refusals of what happens in this directory are noted; null: further up.
  virtual std::shared_ptr<LastError> last_error() const { return nullptr; }
  // Whose change times it has (change_times.h), where that is not its name below its directory's; else empty.
  virtual std::string row() const { return {}; }
};

// One attribute of a directory.
struct Attribute {
  std::string name;
  std::function<Result<std::string>()> show;                         // null: cannot be read
  std::function<void(std::string_view value, Answer answer)> store;  // null: cannot be written
};

// A store that is done at once.
std::function<void(std::string_view, Answer)> store_now(std::function<Result<>(std::string_view)> store);
// What is understood and not there: every value but `off` is refused with EOPNOTSUPP.
Attribute not_supported(std::string name, const std::string& off, std::string reason);

// What the directory of an object shows of the refusals that are noted for it.
Attribute last_error_attribute(std::shared_ptr<LastError> last_error);

// A directory of attributes, of directories that are always there, and of what its class adds.
class Directory : public Node {
 public:
  using Make = std::function<std::unique_ptr<Node>()>;
  struct Child {
    std::string name;
    Make make;
  };

  NodeInfo info() const override { return {.kind = NodeKind::directory, .writable = takes_names()}; }
  std::unique_ptr<Node> find(std::string_view name) const override;
  std::vector<NodeEntry> list() const override;
  bool keeps(std::string_view name) const override;

 protected:
  virtual std::vector<Attribute> attributes() const { return {}; }
  virtual std::vector<Child> children() const { return {}; }
  virtual bool takes_names() const { return false; }  // mkdir or symlink may work in it
};

class FixedDirectory final : public Directory {
 public:
  explicit FixedDirectory(std::vector<Child> children, std::vector<Attribute> attributes = {},
                          std::string row = {})
      : children_(std::move(children)), attributes_(std::move(attributes)), row_(std::move(row)) {}
  std::string row() const override { return row_; }

 protected:
  std::vector<Child> children() const override { return children_; }
  std::vector<Attribute> attributes() const override { return attributes_; }

 private:
  const std::vector<Child> children_;
  const std::vector<Attribute> attributes_;
  const std::string row_;
};

class AttributeNode final : public Node {
 public:
  explicit AttributeNode(Attribute attribute) : attribute_(std::move(attribute)) {}
  NodeInfo info() const override;
  Result<std::string> read() const override;
  void write(std::string_view value, Answer answer) override;

 private:
  const Attribute attribute_;
};

class LinkNode final : public Node {
 public:
  explicit LinkNode(std::string target) : target_(std::move(target)) {}
  NodeInfo info() const override { return {.kind = NodeKind::link}; }
  Result<std::string> read_link() const override { return target_; }

 private:
  const std::string target_;
};

}  // namespace weft::config
