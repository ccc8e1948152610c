// Modification times: what moves in both layouts when something changes in one of them.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "config/test_model_tree.h"

namespace weft::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TreeTimesTest : public ModelTreeTest {
 protected:
  using Times = std::map<std::string, std::chrono::system_clock::time_point>;

  void SetUp() override {
    ModelTreeTest::SetUp();
    make_disk();
    ASSERT_EQ(mkdir(kOne), 0);
  }
  void add(Times& all, const std::string& path) const {
    const auto info = tree_->info(path);
    ASSERT_TRUE(info) << path;
    all.emplace(path, info->changed);
    if (info->kind != NodeKind::directory) return;
    const auto entries = tree_->list(path);
    ASSERT_TRUE(entries) << path;
    for (const auto& entry : *entries) add(all, path.empty() ? entry.name : path + "/" + entry.name);
  }
  Times all() const {
    Times all;
    add(all, "");
    return all;
  }
  // Of what was there before, which moved; attributes by the directory that they are in, with a star.
  std::set<std::string> moved(const std::function<int()>& act) {
    const Times before = all();
    EXPECT_EQ(act(), 0) << said_;
    std::set<std::string> moved;
    for (const auto& [path, time] : all()) {
      const auto it = before.find(path);
      if (it == before.end() || it->second == time) continue;
      EXPECT_GT(time, it->second) << path;
      const bool is_attribute = tree_->info(path)->kind == NodeKind::attribute;
      moved.insert(is_attribute ? path.substr(0, path.rfind('/') + 1) + "*" : path);
    }
    return moved;
  }
};

TEST_F(TreeTimesTest, NothingMovesByLooking) {
  EXPECT_THAT(moved([] { return 0; }), IsEmpty());
}

TEST_F(TreeTimesTest, ANameMovesTheDirectoryThatItIsIn) {
  EXPECT_THAT(moved([this] { return mkdir("target/core/disk_1"); }), ElementsAre("target/core"));
  EXPECT_THAT(moved([this] { return mkdir("target/core/disk_1/b"); }), ElementsAre("target/core/disk_1"));
  EXPECT_THAT(moved([this] { return rmdir("target/core/disk_1/b"); }), ElementsAre("target/core/disk_1"));
  EXPECT_THAT(moved([this] { return mkdir("nvmet/subsystems/two"); }),
              ElementsAre("kernel/nvmet/subsystems", "nvmet/subsystems"));
  EXPECT_THAT(moved([this] { return mkdir(one("namespaces/ns_1")); }),
              ElementsAre("kernel/nvmet/subsystems/one/namespaces", one("namespaces")));
  EXPECT_THAT(moved([this] { return mkdir(one("hosts/h")); }),
              ElementsAre("kernel/nvmet/hosts", "kernel/nvmet/subsystems/one/allowed_hosts", one("hosts")));
  EXPECT_THAT(moved([this] { return mkdir("nvmet/subsystems/two/hosts/h"); }),
              ElementsAre("kernel/nvmet/subsystems/two/allowed_hosts", "nvmet/subsystems/two/hosts"));
  EXPECT_THAT(moved([this] { return rmdir(one("hosts/h")); }),
              ElementsAre("kernel/nvmet/subsystems/one/allowed_hosts", one("hosts")));
  EXPECT_THAT(moved([this] { return rmdir("nvmet/subsystems/two/hosts/h"); }),
              ElementsAre("kernel/nvmet/hosts", "kernel/nvmet/subsystems/two/allowed_hosts",
                          "nvmet/subsystems/two/hosts"));
  EXPECT_THAT(moved([this] { return mkdir("nvmet/discovery/referrals/r"); }),
              ElementsAre("nvmet/discovery/referrals"));
}

TEST_F(TreeTimesTest, AWriteMovesTheAttributesOfItsObject) {
  EXPECT_THAT(
      moved([this] { return echo("Model", one("attr_model")); }),
      ElementsAre("kernel/nvmet/subsystems/one/*", "kernel/nvmet/subsystems/one/passthru/*", one("*")));
  EXPECT_THAT(moved([this] { return echo("name", std::string(kDisk) + "/alias"); }),
              ElementsAre("target/core/disk_0/a/*", "target/core/disk_0/a/attrib/*",
                          "target/core/disk_0/a/statistics/*", "target/core/disk_0/a/wwn/*"));
  EXPECT_THAT(moved([this] { return echo("nqn.2026-01.io.example:d", "nvmet/discovery_nqn"); }),
              ElementsAre("kernel/nvmet/*", "nvmet/*"));
}

TEST_F(TreeTimesTest, ALinkMovesItsNamespace) {
  ASSERT_EQ(mkdir(one("namespaces/ns_1")), 0);
  const std::string its = one("namespaces/ns_1");
  const std::string other = "kernel/nvmet/subsystems/one/namespaces/1";
  const auto both = ElementsAre(other, other + "/*", its, its + "/*");
  EXPECT_THAT(moved([&] { return ln(kDisk, its + "/disk"); }), both) << said_;
  EXPECT_GT(tree_->info(its + "/disk")->changed, tree_->info(one("namespaces"))->changed);
  EXPECT_THAT(moved([&] { return rm(its + "/disk"); }), both);
}

TEST_F(TreeTimesTest, APortOfASubsystemIsOneOfTheKernelLayout) {
  const std::string port = one("ports/tcp:127.0.0.1:4420");
  EXPECT_THAT(moved([&] { return mkdir(port); }), ElementsAre("kernel/nvmet/ports", one("ports")));
  const std::string other = "kernel/nvmet/ports/" + ls("kernel/nvmet/ports");
  EXPECT_THAT(moved([&] { return echo("1", port + "/enable"); }),
              ElementsAre(other + "/subsystems", port + "/*", port + "/ana_groups/1/*"));
  EXPECT_THAT(
      moved([&] { return mkdir(port + "/ana_groups/2"); }),
      ElementsAre(other + "/ana_groups", port + "/*", port + "/ana_groups", port + "/ana_groups/1/*"));
  EXPECT_THAT(moved([&] { return rmdir(port); }), ElementsAre("kernel/nvmet/ports", one("ports")));
}

TEST_F(TreeTimesTest, SoDoLinksOfTheKernelLayout) {
  const std::string port = "kernel/nvmet/ports/7";
  EXPECT_THAT(moved([&] { return mkdir(port); }), ElementsAre("kernel/nvmet/ports"));
  const auto its = ElementsAre(port + "/*", port + "/ana_groups/1/*");
  EXPECT_THAT(moved([&] { return echo("tcp", port + "/addr_trtype"); }), its);
  EXPECT_THAT(moved([&] { return echo("127.0.0.1", port + "/addr_traddr"); }), its);
  EXPECT_THAT(moved([&] { return echo("4420", port + "/addr_trsvcid"); }), its);
  EXPECT_THAT(moved([&] { return ln("../../../subsystems/one", port + "/subsystems/one"); }),
              testing::IsSupersetOf({port + "/subsystems", one("ports")}));
  const auto unlink = [&] {
    const int error = rm(port + "/subsystems/one");
    EXPECT_TRUE(eventually([&] { return tree_->list(one("ports"))->empty(); }));  // it goes behind the answer
    return error;
  };
  EXPECT_THAT(moved(unlink), testing::IsSupersetOf({port + "/subsystems", one("ports")}));
  EXPECT_THAT(moved([&] { return rmdir(port); }), ElementsAre("kernel/nvmet/ports"));
}

TEST_F(TreeTimesTest, APortThatGoesBehindTheAnswerShowsUntilItHasGone) {
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4420")), 0);
  const auto begin = [this] {
    configuration_->model().find_subsystem("one")->ports().begin_remove({"tcp", "127.0.0.1", "4420"});
    return 0;
  };
  EXPECT_THAT(moved(begin), testing::IsSupersetOf({one("ports"), one("ports/tcp:127.0.0.1:4420")}));
}

}  // namespace
}  // namespace weft::config
