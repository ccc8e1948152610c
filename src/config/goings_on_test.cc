#include "config/goings_on.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>

#include "config/model_tree.h"
#include "config/test_configuration.h"

namespace weft::config {
namespace {

std::vector<std::string> names(const std::vector<GoingsOn::One>& all) {
  std::vector<std::string> names;
  for (const auto& one : all) names.push_back(one.path + " " + std::string(one.what));
  return names;
}

TEST(GoingsOn, UntilItIsDoneOrLetGo) {
  const auto goings_on = std::make_shared<GoingsOn>();
  bool told = false;
  auto one = goings_on->begin("a", "closes", [&told] { told = true; });
  auto two = goings_on->begin("b", "drains", nullptr);
  EXPECT_THAT(names(goings_on->all()), ElementsAre("a closes", "b drains"));
  one();
  EXPECT_TRUE(told);
  EXPECT_THAT(names(goings_on->all()), ElementsAre("b drains"));
  two = nullptr;
  EXPECT_THAT(goings_on->all(), IsEmpty());
}

TEST_F(ConfigurationTest, ARemovedDeviceThatHangsGoesOn) {
  Model& model = configuration_->model();
  ASSERT_TRUE(model.make_adapter("disk_0"));
  const auto device = model.make_device("disk_0/slow");
  ASSERT_TRUE(device);
  ASSERT_TRUE((*device)->set_control({{"how", "gate"}}));
  (*device)->enable(Device::Asked::by_a_person, [](Result<>) {});
  ASSERT_TRUE(gate_->wait_for_waiting(1));
  ASSERT_TRUE(model.remove_device("disk_0/slow", nullptr));
  EXPECT_EQ(model.find_device("disk_0/slow"), nullptr);
  EXPECT_THAT(names(model.goings_on()), ElementsAre("target/core/disk_0/slow closes"));
  gate_->open();
  EXPECT_TRUE(eventually([&] { return model.goings_on().empty(); }));
}

// A file is locked until it is closed, which may be after the answer to the removal.
TEST_F(ConfigurationTest, ADeviceOpensOnceItsPredecessorHasClosed) {
  Model& model = configuration_->model();
  ASSERT_TRUE(model.make_adapter("disk_0"));
  const auto make = [&](const char* name, std::atomic<int>& code) {
    const auto device = model.make_device(name);
    EXPECT_TRUE(device);
    EXPECT_TRUE((*device)->set_control({{"how", "alone"}}));
    (*device)->enable(Device::Asked::by_a_person,
                      [&code](const Result<>& result) { code = result ? 0 : result.error().code; });
    return *device;
  };
  std::atomic<int> first = -1;
  std::atomic<int> second = -1;
  std::atomic<int> other = -1;
  const auto old = make("disk_0/a", first);
  ASSERT_TRUE(eventually([&] { return first == 0; }));
  auto held = old->backend();
  make("disk_0/b", other);
  ASSERT_TRUE(eventually([&] { return other != -1; }));
  EXPECT_EQ(other, EBUSY) << "nothing goes on that could change it";
  ASSERT_TRUE(model.remove_device("disk_0/a", nullptr));
  const auto again = make("disk_0/a", second);
  EXPECT_EQ(again->state(), Device::State::opening);
  held.reset();
  ASSERT_TRUE(eventually([&] { return second != -1; }));
  EXPECT_EQ(second, 0);
}

TEST_F(ConfigurationTest, NothingGoesOnBehindARefusal) {
  ASSERT_EQ(apply(R"({"version": 1, "target": {"core": {"disk_0": {"a": {}}}},
 "nvmet": {"subsystems": {"one": {"namespaces": {"1": {"device": "target/core/disk_0/a"}}}}}})"),
            0u);
  Model& model = configuration_->model();
  const auto refused = model.remove_device("disk_0/a", nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EBUSY);
  EXPECT_THAT(model.goings_on(), IsEmpty());
  ASSERT_TRUE(model.remove_subsystem("one", [] {}));
  EXPECT_TRUE(eventually([&] { return model.goings_on().empty(); }));
}

}  // namespace
}  // namespace weft::config
