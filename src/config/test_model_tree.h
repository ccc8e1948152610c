// Calls on the tree of a configuration as people make them; each answers when its change is done.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>
#include <utility>

#include "config/model_tree.h"
#include "config/test_configuration.h"

namespace weft::config {

inline constexpr const char* kDisk = "target/core/disk_0/a";
inline constexpr const char* kOne = "nvmet/subsystems/one";

class ModelTreeTest : public ConfigurationTest {
 protected:
  // The errno that a change ends with; 0 is success.  Turns the loops until it answers.
  template <class Start>
  int change(Start start) {
    std::promise<Result<>> promise;
    auto future = promise.get_future();
    start([&promise](Result<> result) { promise.set_value(std::move(result)); });
    EXPECT_TRUE(
        eventually([&] { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
    const auto result = future.get();
    said_ = result ? "" : result.error().message;
    return result ? 0 : result.error().code;
  }
  int mkdir(const std::string& path) {
    return change([&](Answer answer) { tree_->make_directory(path, std::move(answer)); });
  }
  int rmdir(const std::string& path) {
    return change([&](Answer answer) { tree_->remove_directory(path, std::move(answer)); });
  }
  int ln(const std::string& target, const std::string& path) {
    return change([&](Answer answer) { tree_->make_link(path, target, std::move(answer)); });
  }
  int rm(const std::string& path) {
    return change([&](Answer answer) { tree_->remove_link(path, std::move(answer)); });
  }
  int echo(const std::string& value, const std::string& path) {
    return change([&](Answer answer) { tree_->write(path, value + "\n", std::move(answer)); });
  }
  std::string cat(const std::string& path) {
    const auto value = tree_->read(path);
    return value ? *value : "error " + std::to_string(value.error().code);
  }
  std::string ls(const std::string& path) {
    const auto entries = tree_->list(path);
    if (!entries) return "error " + std::to_string(entries.error().code);
    std::string all;
    for (const auto& entry : *entries)
      if (entry.kind != NodeKind::attribute) all += (all.empty() ? "" : " ") + entry.name;
    return all;
  }
  void make_disk() {
    ASSERT_EQ(mkdir("target/core/disk_0"), 0);
    ASSERT_EQ(mkdir(kDisk), 0);
    ASSERT_EQ(echo("1", std::string(kDisk) + "/enable"), 0);
  }
  std::string one(const std::string& rest) { return std::string(kOne) + "/" + rest; }

  std::optional<ModelTree> tree_{std::in_place, configuration_->model()};
  std::string said_;
};

}  // namespace weft::config
