// The tree of a configuration, for tests that turn its loops themselves.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>

#include "config/model_tree.h"
#include "config/test_configuration.h"
#include "config/test_tree_calls.h"

namespace weft::config {

inline constexpr const char* kDisk = "target/core/disk_0/a";
inline constexpr const char* kOne = "nvmet/subsystems/one";

class ModelTreeTest : public ConfigurationTest, public TreeCalls {
 protected:
  Tree& tree() override { return *tree_; }
  // Turns the loops until it answers.
  int change(const std::function<void(Answer)>& start) override {
    std::promise<Result<>> promise;
    auto future = promise.get_future();
    start([&promise](Result<> result) { promise.set_value(std::move(result)); });
    EXPECT_TRUE(
        eventually([&] { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
    const auto result = future.get();
    said_ = result ? "" : result.error().message;
    return result ? 0 : result.error().code;
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
