// Devices that are slow, hang or change while they are in use.
#include <gtest/gtest.h>

#include "config/test_configuration.h"

namespace weft::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSlowAndGood = R"({"version": 1,
 "target": {"core": {"disk_0": {"good": {}, "slow": {"control": {"how": "gate"}}}}},
 "nvmet": {"subsystems": {"one": {"namespaces": {"1": {"device": "target/core/disk_0/good"},
                                                 "2": {"device": "target/core/disk_0/slow"}},
                                  "ports": {"tcp:127.0.0.1:4420": {}}}}}})";

class SlowDevices : public ConfigurationTest {
 protected:
  SlowDevices() { restart({.open = 1ms, .close = 1ms, .sweep = std::chrono::hours(1)}); }
};

TEST_F(SlowDevices, NamespacesComeWhenTheDeviceIsThere) {
  EXPECT_GE(apply(kSlowAndGood), 1u);  // 1 ms may be too short for the good one too
  EXPECT_THAT(journal_.take(),
              Contains(HasSubstr("problem target/core/disk_0/slow: it still opens, and may hang")));
  EXPECT_THAT(configuration_->opening(), Contains("disk_0/slow"));
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
  EXPECT_TRUE(eventually([this] { return find_namespace("one", 1) != nullptr; }));
  EXPECT_EQ(find_namespace("one", 2), nullptr);
  gate_->open();
  EXPECT_TRUE(eventually([this] { return find_namespace("one", 2) != nullptr; }));
  EXPECT_THAT(configuration_->opening(), IsEmpty());
}

TEST_F(SlowDevices, OneThatComesTooLateIsClosedAgain) {
  EXPECT_GE(apply(kSlowAndGood), 1u);
  ASSERT_TRUE(gate_->wait_for_waiting(1));
  apply(R"({"version": 1})");
  EXPECT_THAT(configuration_->opening(), IsEmpty());
  journal_.take();
  gate_->open();
  std::vector<std::string> lines;
  EXPECT_TRUE(eventually([&] {
    for (auto& line : journal_.take()) lines.push_back(std::move(line));
    return std::ranges::find(lines, "closed disk_0/slow") != lines.end();
  }));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("open: test disk"))));
}

TEST_F(SlowDevices, ManyThatHangDelayNoOther) {
  std::string devices = R"("good": {})";
  for (int i = 0; i < 100; ++i)  // more than open at once
    devices += ", \"slow" + std::to_string(i) + R"(": {"control": {"how": "gate"}})";
  apply(R"({"version": 1, "target": {"core": {"disk_0": {)" + devices +
        R"(}, "disk_1": {"last": {}}}}, "nvmet": {"subsystems": {"one": {"namespaces":
             {"1": {"device": "target/core/disk_1/last"}}}}}})");
  EXPECT_TRUE(eventually([this] { return find_namespace("one", 1) != nullptr; }));
  ASSERT_TRUE(gate_->wait_for_waiting(100));
}

TEST_F(SlowDevices, CloseSaysThatSomethingHangs) {
  EXPECT_GE(apply(kSlowAndGood), 1u);
  ASSERT_TRUE(gate_->wait_for_waiting(1));
  EXPECT_FALSE(configuration_->close(1ms));
  gate_->open();
  EXPECT_TRUE(configuration_->close(kTestPatience));
}

constexpr const char* kOne = R"({"version": 1, "target": {"core": {"disk_0": {"a": {}}}},
 "nvmet": {"subsystems": {"one": {"namespaces": {"1": {"device": "target/core/disk_0/a"}}}}}})";

TEST_F(ConfigurationTest, RefreshShowsTheNewSize) {
  ASSERT_EQ(apply(kOne), 0u);
  ASSERT_EQ(find_namespace("one", 1)->geometry.blocks, 100u);
  backend("disk_0/a").next_blocks = 250;
  // The first may still be under way since apply: then this one is not begun.
  EXPECT_TRUE(eventually([this] {
    configuration_->refresh();
    return find_namespace("one", 1)->geometry.blocks == 250;
  }));
}

TEST_F(ConfigurationTest, TheSweepFindsANewSizeByItself) {
  restart({.open = kTestPatience, .close = kTestPatience, .sweep = 1ms});
  ASSERT_EQ(apply(kOne), 0u);
  backend("disk_0/a").next_blocks = 250;
  EXPECT_TRUE(eventually([this] { return find_namespace("one", 1)->geometry.blocks == 250; }));
}

TEST_F(ConfigurationTest, AFailingRefreshIsReportedOnce) {
  ASSERT_EQ(apply(kOne), 0u);
  TestBackend& disk = backend("disk_0/a");
  disk.refresh_fails = true;
  std::vector<std::string> lines;
  const auto refresh_until = [&](auto condition) {
    return eventually([&] {
      configuration_->refresh();
      for (auto& line : journal_.take()) lines.push_back(std::move(line));
      return condition();
    });
  };
  const std::string problem = "problem target/core/disk_0/a: disk_0/a: its size cannot be read";
  const auto reported = [&] { return std::ranges::count(lines, problem); };
  ASSERT_TRUE(refresh_until([&] { return reported() > 0; }));
  disk.next_blocks = 250;
  disk.refresh_fails = false;
  ASSERT_TRUE(refresh_until([this] { return find_namespace("one", 1)->geometry.blocks == 250; }));
  EXPECT_EQ(reported(), 1);
}

}  // namespace
}  // namespace weft::config
