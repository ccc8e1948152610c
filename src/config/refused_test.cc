// What a document, a state folder or the target refuses while all else goes on.
#include <fmt/format.h>

#include <list>

#include "config/test_model_tree.h"

namespace weft::config {

namespace {

class RefusedTest : public ModelTreeTest {
 protected:
  // The same with another state folder.
  void restart_with(const std::string& directory, const std::vector<std::string>& ports = {}) {
    end();
    StateStore& state = states_.emplace_back(directory);
    ASSERT_TRUE(state.assure({}, ports));
    start(state);
    tree_.emplace(configuration_->model());
  }
  ~RefusedTest() override { end(); }
  void end() {
    tree_.reset();
    stop();
  }
  std::vector<std::string> problems_of(const std::string& text) {
    journal_.take();
    apply(text);
    return journal_.take();
  }
  std::list<StateStore> states_;
  static constexpr const char* kPort = "nvmet/subsystems/one/ports/tcp:127.0.0.1:4420";
};

TEST_F(RefusedTest, SaysThatIdentitiesAreNotKept) {
  restart_with("/dev/null/weft");
  make_disk();
  EXPECT_THAT(journal_.take(),
              Contains(HasSubstr("its new unit serial will not be the same after a restart")));
  restart_with("/dev/null/weft");
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(kPort), 0);
  ASSERT_EQ(echo("1", std::string(kPort) + "/enable"), 0);
  EXPECT_THAT(journal_.take(), Contains(HasSubstr("the port's id may be another after a restart")));
}

// All serials of a document are made at once.
TEST_F(RefusedTest, SaysThatTheIdentitiesOfADocumentAreNotKept) {
  restart_with("/dev/null/weft");
  EXPECT_THAT(problems_of(R"({"version": 1, "target": {"core": {"disk_0": {"a": {}, "b": {}}}}})"),
              Contains(HasSubstr("new unit serials will not be the same after a restart")));
}

TEST_F(RefusedTest, ThereAreOnlySoManyPortIds) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < 65535; ++i) names.push_back(fmt::to_string(i));
  restart_with("", names);
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(kPort), 0);
  EXPECT_EQ(echo("1", std::string(kPort) + "/enable"), ENOSPC);
  EXPECT_THAT(said_, HasSubstr("all 65535 port ids are given out"));
}

TEST_F(RefusedTest, ADiscoveryNqnThatASubsystemHas) {
  ASSERT_EQ(mkdir(kOne), 0);
  EXPECT_THAT(problems_of(R"({"version": 1, "nvmet": {"discovery_nqn": "one"}})"),
              Contains(HasSubstr("problem nvmet/discovery_nqn: ")));
}

// What the document says is right; what is there already does not fit.
TEST_F(RefusedTest, SettingsThatDoNotFitTogether) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(echo("5", std::string(kOne) + "/attr_cntlid_max"), 0);
  EXPECT_THAT(problems_of(R"({"version": 1, "nvmet": {"subsystems": {"one": {"attr_cntlid_min": "10"}}}})"),
              Contains(HasSubstr("problem nvmet/subsystems/one")));
}

TEST_F(RefusedTest, AKernelPortThatLinksAndHasNoAddress) {
  EXPECT_THAT(problems_of(R"({"version": 1, "nvmet": {"subsystems": {"two": {}}},
                "kernel": {"nvmet": {"ports": {"1": {"subsystems": {"two": {"link_target": "/x/subsystems/two"}}}}}}})"),
              Contains(HasSubstr("problem kernel/nvmet/ports/1")));
}

// Somebody still holds it: its name is free at once, and its end is not waited for.
TEST_F(RefusedTest, BackendsThatDoNotCloseInTime) {
  end();
  restart({.open = kTestPatience, .close = std::chrono::milliseconds(10), .sweep = std::chrono::hours(1)});
  apply(R"({"version": 1, "target": {"core": {"disk_0": {"a": {}}}}})");
  auto held = configuration_->model().find_device("disk_0/a")->backend();
  ASSERT_NE(held, nullptr);
  EXPECT_THAT(problems_of(R"({"version": 1})"),
              Contains(HasSubstr("backends that were removed are still closing")));
  held.reset();
}

}  // namespace

}  // namespace weft::config
