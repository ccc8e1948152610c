// What fails late: while its object is being removed or changed, or when nobody waits for it any more.
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "config/test_model_tree.h"

namespace weft::config {
namespace {

using namespace std::chrono_literals;

class Failures : public ModelTreeTest {};

// The parser lets it pass, since it may be enabled later.
TEST_F(Failures, AReferralWithoutAnAddressIsAProblem) {
  Document next;
  next.referrals["far"] = {.trtype = "tcp", .traddr = "", .trsvcid = "8009"};
  EXPECT_EQ(configuration_->apply(next), 1u);
  EXPECT_THAT(journal_.take(),
              Contains(HasSubstr("problem nvmet/discovery/referrals/far: addr_traddr and addr_trsvcid")));
  EXPECT_THAT(target_->referrals(), IsEmpty());
}

TEST_F(Failures, ADeviceThatFailsWhenNobodyWaitsForItAnyMoreSaysSo) {
  tree_.reset();
  restart({.open = 1ms, .close = kTestPatience, .sweep = std::chrono::hours(1)});
  apply(R"({"version": 1, "target": {"core": {"disk_0": {"a": {"control": {"how": "alone"}}}}}})");
  ASSERT_TRUE(eventually([this] { return configuration_->opening().empty(); }));
  EXPECT_GE(apply(R"({"version": 1, "target": {"core": {"disk_0": {"a": {"control": {"how": "alone"}},
                      "b": {"control": {"how": "alone", "path": "x.gate"}}}}}})"),
            1u);
  journal_.take();
  gate_->open();
  std::vector<std::string> lines;
  EXPECT_TRUE(eventually([&] {
    for (auto& line : journal_.take()) lines.push_back(std::move(line));
    return std::ranges::find(lines, "problem target/core/disk_0/b: another is open") != lines.end();
  }));
}

TEST_F(Failures, APortThatIsBeingDisabledCannotBeEnabled) {
  ASSERT_EQ(
      apply(R"({"version": 1, "nvmet": {"subsystems": {"one": {"ports": {"tcp:127.0.0.1:4420": {}}}}}})"),
      0u);
  const std::string enable = one("ports/tcp:127.0.0.1:4420/enable");
  transport_->stopped = [this](const std::string&) { gate_->pass(); };
  std::promise<int> disabled;
  auto answer = disabled.get_future();
  tree_->write(enable, "0\n",
               [&disabled](Result<> result) { disabled.set_value(result ? 0 : result.error().code); });
  ASSERT_TRUE(gate_->wait_for_waiting(1));
  EXPECT_EQ(echo("1", enable), EBUSY);
  gate_->open();
  EXPECT_EQ(answer.get(), 0);
  transport_->stopped = nullptr;
  EXPECT_EQ(cat(enable), "0");
}

TEST_F(Failures, AnAdapterThatHasGoneTakesNoDevice) {
  Model& model = configuration_->model();
  ASSERT_TRUE(model.make_adapter("disk_0"));
  const auto adapter = model.find_adapter("disk_0");
  ASSERT_TRUE(model.remove_adapter("disk_0"));
  const auto inserted = adapter->insert("late", nullptr);
  ASSERT_FALSE(inserted);
  EXPECT_EQ(inserted.error().code, ENOENT);
}

TEST_F(Failures, ADeviceThatHasGoneIsNotEnabled) {
  ASSERT_EQ(mkdir("target/core/disk_0"), 0);
  ASSERT_EQ(mkdir(kDisk), 0);
  Model& model = configuration_->model();
  const auto device = model.find_device("disk_0/a");
  ASSERT_TRUE(model.remove_device("disk_0/a", [] {}));
  Result<> answer;
  device->enable(Device::Asked::by_a_person, [&answer](Result<> result) { answer = std::move(result); });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ENOENT);
}

// The target has the last word on what hosts see.
TEST_F(Failures, ANamespaceThatTheTargetRefusesIsNotLinked) {
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  const auto backend = configuration_->model().find_device("disk_0/a")->backend();
  ASSERT_TRUE(target_->find_subsystem("one")->add_namespace(Nsid(1), {.backend = backend}));
  ASSERT_EQ(mkdir(one("namespaces/1")), 0);
  EXPECT_EQ(ln("../../../../../target/core/disk_0/a", one("namespaces/1/a")), EEXIST);
  EXPECT_EQ(ls(one("namespaces/1")), "");
  ASSERT_EQ(rmdir(one("namespaces/1")), 0);
}

class WhileItOpens : public Failures {
 protected:
  // Linked as namespace 1 of "one" while it opens; it does so when gate_ does.
  void link_slow_disk() {
    ASSERT_EQ(mkdir("target/core/disk_0"), 0);
    ASSERT_EQ(mkdir("target/core/disk_0/slow"), 0);
    ASSERT_EQ(echo("how=gate", "target/core/disk_0/slow/control"), 0);
    tree().write("target/core/disk_0/slow/enable", "1\n", [](const Result<>&) {});
    ASSERT_TRUE(gate_->wait_for_waiting(1));
    ASSERT_EQ(mkdir(kOne), 0);
    ASSERT_EQ(mkdir(one("namespaces/1")), 0);
    ASSERT_EQ(ln("../../../../../target/core/disk_0/slow", one("namespaces/1/slow")), 0);
  }
};

TEST_F(WhileItOpens, TheTargetMayGetAnotherNamespaceOfItsNumber) {
  link_slow_disk();
  ASSERT_EQ(mkdir(kDisk), 0);
  ASSERT_EQ(echo("1", std::string(kDisk) + "/enable"), 0);
  const auto backend = configuration_->model().find_device("disk_0/a")->backend();
  ASSERT_TRUE(target_->find_subsystem("one")->add_namespace(Nsid(1), {.backend = backend}));
  gate_->open();
  std::vector<std::string> lines;
  EXPECT_TRUE(eventually([&] {
    for (auto& line : journal_.take()) lines.push_back(std::move(line));
    return std::ranges::any_of(lines, [](const std::string& line) {
      return line.starts_with("problem nvmet/subsystems/one/namespaces/1: ") &&
             line.contains("there is one already");
    });
  }));
}

TEST_F(WhileItOpens, ItsLinkMayBeRemovedAsItComes) {
  link_slow_disk();
  int removed = -1;
  journal_.hears = [&](const std::string& line) {
    if (line == "note target/core/disk_0/slow: open: test disk") {
      const auto tenant = configuration_->model().find_subsystem("one");
      removed = tenant->unlink(Nsid(1), [] {}) ? 0 : 1;
    }
  };
  gate_->open();
  EXPECT_TRUE(eventually(
      [&] { return cat("target/core/disk_0/slow/enable") == "1" && configuration_->opening().empty(); }));
  EXPECT_TRUE(configuration_->model().workshop()->openers.wait_idle(kTestPatience));
  EXPECT_EQ(removed, 0);
  EXPECT_EQ(find_namespace("one", 1), nullptr);
  EXPECT_EQ(ls(one("namespaces/1")), "");
}

}  // namespace
}  // namespace weft::config
