// Calls on a configuration tree as people make them; each answers when its change is done.
#pragma once

#include <functional>
#include <string>

#include "config/tree.h"

namespace weft::config {

class TreeCalls {
 public:
  virtual ~TreeCalls() = default;

  // The errno that a change ends with; 0 is success.
  int mkdir(const std::string& path) {
    return change([&](Answer answer) { tree().make_directory(path, std::move(answer)); });
  }
  int rmdir(const std::string& path) {
    return change([&](Answer answer) { tree().remove_directory(path, std::move(answer)); });
  }
  int ln(const std::string& target, const std::string& path) {
    return change([&](Answer answer) { tree().make_link(path, target, std::move(answer)); });
  }
  int rm(const std::string& path) {
    return change([&](Answer answer) { tree().remove_link(path, std::move(answer)); });
  }
  int echo(const std::string& value, const std::string& path) {
    return change([&](Answer answer) { tree().write(path, value + "\n", std::move(answer)); });
  }

  std::string cat(const std::string& path) { return text(tree().read(path)); }
  std::string readlink(const std::string& path) { return text(tree().read_link(path)); }
  // Directories and links.
  std::string ls(const std::string& path) {
    const auto entries = tree().list(path);
    if (!entries) return "error " + std::to_string(entries.error().code);
    std::string all;
    for (const auto& entry : *entries)
      if (entry.kind != NodeKind::attribute) all += (all.empty() ? "" : " ") + entry.name;
    return all;
  }

 protected:
  virtual Tree& tree() = 0;
  virtual int change(const std::function<void(Answer)>& start) = 0;

 private:
  static std::string text(const Result<std::string>& value) {
    return value ? *value : "error " + std::to_string(value.error().code);
  }
};

}  // namespace weft::config
