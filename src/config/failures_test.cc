// What a document or the tree asks for and cannot have, and what is removed while it comes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/test_model_tree.h"

namespace weft::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOneDevice = R"({"version": 1, "target": {"core": {"disk_0": {"a": {}}}}})";
constexpr const char* kOneSubsystem = R"({"version": 1, "nvmet": {"subsystems": {"one": {}}}})";

class Failures : public ModelTreeTest {
 protected:
  // A state folder that cannot be made.
  void keep_nothing() {
    tree_.reset();
    stop();
    folder_ = std::filesystem::path(testing::TempDir()) / "weft-failures-test";
    std::ofstream(folder_) << "a file";
    unusable_ = std::make_unique<StateStore>(folder_ / "weft");
    identities_ = unusable_.get();
    start();
    tree_.emplace(configuration_->model());
  }
  ~Failures() override {
    tree_.reset();
    stop();
    if (!folder_.empty()) std::filesystem::remove(folder_);
  }
  std::filesystem::path folder_;
  std::unique_ptr<StateStore> unusable_;
};

// What the parser of documents lets pass and another object refuses.
TEST_F(Failures, WhatADocumentCannotHaveIsAProblemOfItsObjectAlone) {
  struct Case {
    std::string says;
    std::function<void(Document&)> add;
  };
  const Case cases[] = {
      {"problem nvmet/subsystems/two: subsystem two: either any host is allowed",
       [](Document& next) {
         next.subsystems["two"].attributes["attr_allow_any_host"] = "1";
         next.subsystems["two"].hosts["h"];
       }},
      {"problem nvmet/discovery_nqn: \"one\": a subsystem has this name",
       [](Document& next) { next.discovery_nqn = "one"; }},
      {"problem kernel/nvmet/ports/7: there is no addr_trtype",
       [](Document& next) { next.kernel_ports[PortId(7)].links["one"]; }},
      {"problem nvmet/discovery/referrals/far: addr_traddr and addr_trsvcid",
       [](Document& next) { next.referrals["far"] = {.trtype = "tcp", .traddr = "", .trsvcid = "8009"}; }},
  };
  for (const Case& each : cases) {
    ASSERT_EQ(apply(kOneSubsystem), 0u);
    Document next = parse_document(kOneSubsystem)->document;
    each.add(next);
    EXPECT_EQ(configuration_->apply(next), 1u) << each.says;
    EXPECT_THAT(journal_.take(), Contains(HasSubstr(each.says)));
    EXPECT_NE(target_->find_subsystem("one"), nullptr);
  }
}

TEST_F(Failures, ADocumentDoesNotWaitForBackendsThatAreStillInUse) {
  tree_.reset();
  restart({.open = kTestPatience, .close = 1ms, .sweep = std::chrono::hours(1)});
  ASSERT_EQ(apply(kOneDevice), 0u);
  auto used = configuration_->model().find_device("disk_0/a")->backend();
  EXPECT_EQ(apply(R"({"version": 1})"), 0u);
  EXPECT_THAT(journal_.take(), Contains(HasSubstr("backends that were removed are still closing")));
  used.reset();
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

TEST_F(Failures, IdentitiesOfADocumentThatCannotBeKeptAreSaid) {
  keep_nothing();
  ASSERT_EQ(apply(kOneDevice), 0u);
  EXPECT_THAT(journal_.take(), Contains(HasSubstr("unit serials will not be the same after a restart")));
}

TEST_F(Failures, ASerialThatCannotBeKeptIsSaid) {
  keep_nothing();
  make_disk();
  EXPECT_THAT(journal_.take(),
              Contains(HasSubstr("its new unit serial will not be the same after a restart")));
}

TEST_F(Failures, APortThatFindsNoIdSaysSo) {
  std::vector<std::string> names;
  for (int id = 1; id <= 65535; ++id) names.push_back("p" + std::to_string(id));
  ASSERT_TRUE(state_.assure({}, names));
  EXPECT_EQ(
      apply(R"({"version": 1, "nvmet": {"subsystems": {"one": {"ports": {"tcp:127.0.0.1:4420": {}}}}}})"),
      1u);
  const auto lines = journal_.take();
  EXPECT_THAT(lines, Contains(HasSubstr("the port's id may be another after a restart")));
  EXPECT_THAT(lines, Contains(HasSubstr("problem nvmet/subsystems/one/ports/tcp:127.0.0.1:4420: all 65535")));
  EXPECT_THAT(configuration_->listening(), IsEmpty());
}

TEST_F(Failures, APortThatIsBeingDisabledCannotBeEnabled) {
  ASSERT_EQ(
      apply(R"({"version": 1, "nvmet": {"subsystems": {"one": {"ports": {"tcp:127.0.0.1:4420": {}}}}}})"),
      0u);
  int said = 0;
  transport_->stopped = [&](const std::string&) { said = echo("1", one("ports/tcp:127.0.0.1:4420/enable")); };
  EXPECT_EQ(echo("0", one("ports/tcp:127.0.0.1:4420/enable")), 0);
  transport_->stopped = nullptr;
  EXPECT_EQ(said, EBUSY);
  EXPECT_EQ(cat(one("ports/tcp:127.0.0.1:4420/enable")), "0");
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
