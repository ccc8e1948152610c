#include "faces/http/batches.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "faces/http/test_client.h"

namespace weft::faces {

namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kSubsystem = "nvmet/subsystems/nqn.2026-01.io.example:disks";
const std::string kDevice = "target/core/rd_mcp_1/disk";

json mkdir(const std::string& path, bool may_exist = false) {
  json step = {{"op", "mkdir"}, {"path", path}};
  if (may_exist) step["may_exist"] = true;
  return step;
}
json rmdir(const std::string& path) {
  return {{"op", "rmdir"}, {"path", path}};
}
json set(const std::string& path, const std::string& value) {
  return {{"op", "set"}, {"path", path}, {"value", value}};
}
json ln(const std::string& path, const std::string& target) {
  return {{"op", "ln"}, {"path", path}, {"target", target}};
}
json rm(const std::string& path) {
  return {{"op", "rm"}, {"path", path}};
}

class BatchTest : public HttpTest {
 protected:
  TestAnswer batch(const std::vector<json>& steps) const {
    return ask("POST", "/v1/batch", {{"operations", json(steps)}});
  }
  bool exists(const std::string& path) const { return tree_.info(path).has_value(); }
  static std::vector<json> tenant() {
    return {mkdir("target/core/rd_mcp_1", true),
            mkdir(kDevice),
            set(kDevice + "/enable", "1"),
            mkdir(kSubsystem),
            set(kSubsystem + "/attr_serial", "17"),
            mkdir(kSubsystem + "/namespaces"),
            mkdir(kSubsystem + "/namespaces/1"),
            ln(kSubsystem + "/namespaces/1/disk", "/any/where/" + kDevice)};
  }
};

TEST_F(BatchTest, DoesAll) {
  const auto done = batch(tenant());
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.body["done"], 8);
  EXPECT_EQ(tree_.value(kSubsystem + "/attr_serial"), "17");
  EXPECT_EQ(tree_.value(kSubsystem + "/namespaces/1/disk"), "/any/where/" + kDevice);
}

TEST_F(BatchTest, TakesBackWhatWasDone) {
  auto steps = tenant();
  steps.push_back(mkdir(kSubsystem + "/ports/forbidden"));
  const auto refused = batch(steps);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body["error"]["step"], 8);
  EXPECT_EQ(refused.body["error"]["operation"], steps[8]);
  EXPECT_THAT(refused.body["error"]["message"].get<std::string>(), HasSubstr("not a name"));
  EXPECT_EQ(refused.body["undone"], true);
  EXPECT_FALSE(exists(kSubsystem));
  EXPECT_FALSE(exists(kDevice));
  EXPECT_FALSE(exists("target/core/rd_mcp_1"));
}

TEST_F(BatchTest, WhatWasThereBeforeStays) {
  ASSERT_EQ(ask("POST", "/v1/tree/target/core/rd_mcp_1", {{"kind", "directory"}}).status, 201);
  auto steps = tenant();
  steps.push_back(mkdir(kSubsystem + "/ports/forbidden"));
  EXPECT_EQ(batch(steps).status, 400);
  EXPECT_TRUE(exists("target/core/rd_mcp_1"));
}

TEST_F(BatchTest, ValuesAndRemovalsAreTakenBack) {
  ASSERT_EQ(batch(tenant()).status, 200);
  ASSERT_EQ(batch({set(kSubsystem + "/namespaces/1/attr_serial", "of 1"),
                   set(kSubsystem + "/namespaces/1/enable", "5")})
                .status,
            200);
  const std::vector<json> steps = {set(kSubsystem + "/attr_serial", "18"),
                                   set(kSubsystem + "/attr_serial", "19"),
                                   rm(kSubsystem + "/namespaces/1/disk"), rmdir(kSubsystem + "/namespaces/1"),
                                   set(kSubsystem + "/enable", "refused")};
  const auto refused = batch(steps);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.body["error"]["step"], 4);
  EXPECT_EQ(refused.body["undone"], true) << refused.body;
  EXPECT_EQ(tree_.value(kSubsystem + "/attr_serial"), "17");
  EXPECT_EQ(tree_.value(kSubsystem + "/namespaces/1/attr_serial"), "of 1");
  EXPECT_EQ(tree_.value(kSubsystem + "/namespaces/1/disk"), "/any/where/" + kDevice);
  const auto writes = tree_.writes();
  EXPECT_LT(std::ranges::find(writes.rbegin(), writes.rend(), "5"),
            std::ranges::find(writes.rbegin(), writes.rend(), "of 1"))
      << "what is enabled comes last";
}

TEST_F(BatchTest, SaysWhatCouldNotBeTakenBack) {
  std::vector<json> steps = {mkdir(kSubsystem), set(kSubsystem + "/attr_serial", "1")};
  ASSERT_EQ(batch(steps).status, 200);
  ASSERT_EQ(ask("PUT", "/v1/tree/" + kSubsystem + "/attr_serial", {{"value", "refused "}}).status, 204);
  tree_.add_attribute(kSubsystem + "/attr_serial", true, true, "refused");  // which a write of it would be
  steps = {set(kSubsystem + "/attr_serial", "2"), set(kSubsystem + "/enable", "refused")};
  const auto answer = batch(steps);
  EXPECT_EQ(answer.body["undone"], false);
  ASSERT_EQ(answer.body["not_undone"].size(), 1u);
  EXPECT_EQ(answer.body["not_undone"][0]["path"], kSubsystem + "/attr_serial");
  EXPECT_EQ(answer.body["not_undone"][0]["error"]["errno"], "EBUSY");
}

TEST_F(BatchTest, RefusedBeforeAnythingIsDone) {
  ASSERT_EQ(batch(tenant()).status, 200);
  struct Row {
    std::vector<json> steps;
    int step;
    const char* message;
  };
  const json first = set(kSubsystem + "/attr_serial", "changed");
  const Row rows[] = {
      {{first, mkdir("nvmet/subsystems/nqn.2026-01.io.example:other")}, 1, "a batch is for one tenant"},
      {{mkdir(kDevice + "2")}, 0, "no step is about a subsystem"},
      {{first, mkdir(kDevice + "2")}, 1, "no link of nqn.2026-01.io.example:disks names this device"},
      {{first, rmdir("target/core/rd_mcp_1")}, 1, "adapters are shared"},
      {{first, mkdir("nvmet/discovery/ports/loop")}, 1, "a batch changes one subsystem"},
      {{first, rmdir(kDevice), first}, 1, "only the last step"},
      {{first, set(kDevice + "/enable", "1"), first}, 1, "only the last step"},
      {{first, set(kDevice + "/revalidate_size", "1"), first}, 1, "it cannot be read"},
  };
  for (const Row& row : rows) {
    const auto refused = batch(row.steps);
    EXPECT_EQ(refused.status, 400) << row.message;
    EXPECT_EQ(refused.body["error"]["step"], row.step) << row.message;
    EXPECT_THAT(refused.body["error"]["message"].get<std::string>(), HasSubstr(row.message));
    EXPECT_EQ(tree_.value(kSubsystem + "/attr_serial"), "17");
  }
  EXPECT_EQ(batch({}).status, 400);
  EXPECT_EQ(batch({json{{"op", "format"}, {"path", "x"}}}).status, 400);
}

TEST_F(BatchTest, StepsThatWaitHoldNothingButTheirTenant) {
  auto slow = tenant();
  slow.push_back(mkdir(kSubsystem + "/hosts/slow"));
  slow.push_back(set(kSubsystem + "/attr_serial", "slow"));
  slow.push_back(mkdir(kSubsystem + "/ports/forbidden"));
  const auto accepted = batch(slow);
  ASSERT_EQ(accepted.status, 202);
  const auto second = batch({set(kSubsystem + "/attr_serial", "1")});
  EXPECT_EQ(second.status, 409);
  EXPECT_THAT(second.body["error"]["message"].get<std::string>(), HasSubstr("another batch"));
  EXPECT_EQ(batch({mkdir("nvmet/subsystems/nqn.2026-01.io.example:other")}).status, 200);
  for (int i = 0; i < 3; ++i) {  // the two steps, and the way back of the first
    ASSERT_TRUE(tree_.wait_for_held(1));
    tree_.release();
  }
  const auto done = poll(accepted);
  EXPECT_EQ(done.body["status"], 400);
  EXPECT_EQ(done.body["result"]["undone"], true) << done.body;
  EXPECT_FALSE(exists(kSubsystem));
  EXPECT_EQ(batch(tenant()).status, 200) << "the tenant is free again";
}

TEST_F(BatchTest, EndsInTheMidst) {
  auto slow = tenant();
  slow.push_back(mkdir(kSubsystem + "/hosts/slow"));
  slow.push_back(mkdir(kSubsystem + "/hosts/more"));
  ASSERT_EQ(batch(slow).status, 202);
  face_.reset();
  tree_.release();
  EXPECT_FALSE(exists(kSubsystem + "/hosts/more"));
}

}  // namespace

}  // namespace weft::faces
