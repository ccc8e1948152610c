// Both layouts at once, from many threads: nothing hangs, and what is left is the same in both.
#include <atomic>
#include <cerrno>
#include <random>
#include <thread>

#include "config/test_model_tree.h"

namespace weft::config {
namespace {

constexpr int kThreads = 4;
constexpr int kSteps = 150;

class TreeKernelRaces : public ModelTreeTest {
 protected:
  // Waits for the answer; the loops are turned by the test's thread.
  template <class Start>
  static int wait(Start start) {
    std::promise<Result<>> promise;
    start([&promise](Result<> result) { promise.set_value(std::move(result)); });
    const auto result = promise.get_future().get();
    return result ? 0 : result.error().code;
  }

  void step(std::mt19937& random) {
    const std::string nqn = "s" + std::to_string(random() % 2);
    const std::string id = std::to_string(1 + random() % 2);
    const std::string address = "tcp:127.0.0.1:442" + id;
    const std::string tenant = "nvmet/subsystems/" + nqn;
    const std::string port = "kernel/nvmet/ports/" + id;
    const auto make = [&](const std::string& path) {
      wait([&](Answer answer) { tree_->make_directory(path, std::move(answer)); });
    };
    const auto remove = [&](const std::string& path) {
      wait([&](Answer answer) { tree_->remove_directory(path, std::move(answer)); });
    };
    const auto write = [&](const std::string& path, const char* value) {
      wait([&](Answer answer) { tree_->write(path, value, std::move(answer)); });
    };
    switch (random() % 12) {
      case 0:
        make(tenant);
        break;
      case 1:
        remove("kernel/" + tenant);
        break;
      case 2:
        make(port);
        write(port + "/addr_trtype", "tcp");
        write(port + "/addr_traddr", "127.0.0.1");
        write(port + "/addr_trsvcid", ("442" + id).c_str());
        break;
      case 3:
        remove(port);
        break;
      case 4:
      case 5:
        wait([&](Answer answer) {
          tree_->make_link(port + "/subsystems/" + nqn, "/x/subsystems/" + nqn, std::move(answer));
        });
        break;
      case 6:
        wait([&](Answer answer) { tree_->remove_link(port + "/subsystems/" + nqn, std::move(answer)); });
        break;
      case 7:
        write(port + "/listen", random() % 2 == 0 ? "0" : "1");
        break;
      case 8:
        make(tenant + "/ports/" + address);
        write(tenant + "/ports/" + address + "/enable", random() % 2 == 0 ? "0" : "1");
        break;
      case 9:
        remove(tenant + "/ports/" + address);
        break;
      case 10:
        make(tenant + "/hosts/h");
        write(port + "/ana_groups/1/ana_state", random() % 2 == 0 ? "optimized" : "change");
        break;
      default:
        wait([&](Answer answer) {
          tree_->remove_link("kernel/" + tenant + "/allowed_hosts/h", std::move(answer));
        });
        (void)tree_->list("kernel/nvmet/ports");
        (void)tree_->list(port + "/subsystems");
    }
  }
};

TEST_F(TreeKernelRaces, NothingHangsAndBothAgree) {
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([this, i, &running] {
      std::mt19937 random(static_cast<unsigned>(i) + 1);
      for (int n = 0; n < kSteps; ++n) step(random);
      --running;
    });
  ASSERT_TRUE(eventually([&] { return running == 0; }));
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(eventually([&] { return configuration_->model().workshop()->workers.unfinished() == 0; }));

  // A link is a port that is enabled, or one that a port that does not listen keeps.
  for (const auto& tenant : configuration_->model().subsystems())
    for (const auto& [name, entry] : tenant->ports().entries()) {
      if (!entry.enable) continue;
      const std::string id = std::to_string(state_.port_id(name.text()).value());
      ASSERT_THAT(ls("kernel/nvmet/ports/" + id + "/subsystems"), HasSubstr(tenant->nqn())) << name.text();
    }
  // As nvmetcli clears.
  const auto names = [this](const std::string& path) {
    std::vector<std::string> all;
    if (const auto entries = tree_->list(path))
      for (const auto& entry : *entries)
        if (entry.kind != NodeKind::attribute) all.push_back(entry.name);
    return all;
  };
  for (const auto& id : names("kernel/nvmet/ports")) {
    const std::string port = "kernel/nvmet/ports/" + id;
    for (const auto& nqn : names(port + "/subsystems"))
      EXPECT_EQ(rm(port + "/subsystems/" + nqn), 0) << said_;
    EXPECT_EQ(rmdir(port), 0) << said_;
  }
  ASSERT_EQ(ls("kernel/nvmet/ports"), "");
  for (const auto& nqn : names("kernel/nvmet/subsystems")) {
    const std::string subsystem = "kernel/nvmet/subsystems/" + nqn;
    for (const auto& host : names(subsystem + "/allowed_hosts"))
      EXPECT_EQ(rm(subsystem + "/allowed_hosts/" + host), 0) << said_;
    EXPECT_TRUE(eventually([&] { return rmdir(subsystem) == 0; })) << said_;
  }
  EXPECT_EQ(ls("kernel/nvmet/hosts"), "");
  EXPECT_TRUE(eventually([&] { return configuration_->listening().empty(); }));
}

}  // namespace
}  // namespace weft::config
