// What a person does with the configuration tree, one thing after another.  On a simulated thread of the
// process whose tree it is.
#pragma once

#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>

#include "config/tree.h"

namespace weft::sim {

class Hands {
 public:
  explicit Hands(config::Tree& tree) : tree_(tree) {}

  Result<> mkdir(const std::string& path) {
    return wait([&](auto answer) { tree_.make_directory(path, std::move(answer)); });
  }
  Result<> rmdir(const std::string& path) {
    return wait([&](auto answer) { tree_.remove_directory(path, std::move(answer)); });
  }
  Result<> ln(const std::string& target, const std::string& path) {
    return wait([&](auto answer) { tree_.make_link(path, target, std::move(answer)); });
  }
  Result<> rm(const std::string& path) {
    return wait([&](auto answer) { tree_.remove_link(path, std::move(answer)); });
  }
  Result<> echo(const std::string& value, const std::string& path) {
    return wait([&](auto answer) { tree_.write(path, value, std::move(answer)); });
  }
  // "/" for a directory, the value of an attribute, the target of a link; empty: there is none.
  std::optional<std::string> look(const std::string& path) const {
    const auto info = tree_.info(path);
    if (!info) return std::nullopt;
    if (info->kind == config::NodeKind::directory) return "/";
    const auto text = info->kind == config::NodeKind::link ? tree_.read_link(path) : tree_.read(path);
    return text ? std::optional(*text) : std::nullopt;
  }

 private:
  static Result<> wait(const std::function<void(config::Answer)>& start) {
    // The answer may come when nobody waits for it any more.
    const auto answered = std::make_shared<std::promise<Result<>>>();
    start([answered](Result<> result) { answered->set_value(std::move(result)); });
    return answered->get_future().get();
  }

  config::Tree& tree_;
};

}  // namespace weft::sim
