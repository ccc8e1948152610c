// A part of a tree that stands alone: what is below one directory of it.
#pragma once

#include <string>

#include "config/tree.h"

namespace weft::config {

class Subtree final : public Tree {
 public:
  // `top` is the directory that becomes the root.  The tree outlives it, and every answer.
  Subtree(Tree& tree, std::string top) : tree_(tree), top_(std::move(top)) {}

  Result<NodeInfo> info(std::string_view path) const override { return tree_.info(whole(path)); }
  Result<std::vector<NodeEntry>> list(std::string_view path) const override {
    return tree_.list(whole(path));
  }
  Result<std::string> read(std::string_view path) const override { return tree_.read(whole(path)); }
  Result<std::string> read_link(std::string_view path) const override { return tree_.read_link(whole(path)); }
  void make_directory(std::string_view path, Answer answer) override {
    tree_.make_directory(whole(path), std::move(answer));
  }
  void remove_directory(std::string_view path, Answer answer) override {
    tree_.remove_directory(whole(path), std::move(answer));
  }
  void make_link(std::string_view path, std::string_view target, Answer answer) override {
    tree_.make_link(whole(path), target, std::move(answer));
  }
  void remove_link(std::string_view path, Answer answer) override {
    tree_.remove_link(whole(path), std::move(answer));
  }
  void write(std::string_view path, std::string_view value, Answer answer) override {
    tree_.write(whole(path), value, std::move(answer));
  }

 private:
  std::string whole(std::string_view path) const {
    return path.empty() ? top_ : top_ + "/" + std::string(path);
  }

  Tree& tree_;
  const std::string top_;
};

}  // namespace weft::config
