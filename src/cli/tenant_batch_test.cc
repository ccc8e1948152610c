#include "cli/tenant_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "cli/daemon_client.h"
#include "cli/table.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kNqn = "nqn.2026-01.io.example:disks";

// "op path value" of each step.
std::vector<std::string> lines(const ordered_json& steps) {
  std::vector<std::string> all;
  for (const auto& step : steps) {
    std::string line = step.value("op", "") + " " + step.value("path", "");
    for (const char* const text : {"value", "target"})
      if (step.contains(text)) line += " " + step.value(text, "");
    all.push_back(line + (step.value("may_exist", false) ? " or as it is" : ""));
  }
  return all;
}

TEST(TenantBatch, Creation) {
  const auto steps = creation({.nqn = kNqn,
                               .backends = {"16M", "/target/core/null_7/there"},
                               .ports = {"tcp:127.0.0.1:4420"},
                               .hosts = {"nqn.2026-01.io.example:host"}});
  ASSERT_TRUE(steps) << steps.error().message;
  const std::string device = std::string("target/core/rd_mcp_1/") + kNqn + "-1";
  const std::string path = std::string("nvmet/subsystems/") + kNqn;
  EXPECT_THAT(
      lines(*steps),
      ElementsAre("mkdir target/core/rd_mcp_1 or as it is", "mkdir " + device,
                  "set " + device + "/control size=16M", "set " + device + "/enable 1", "mkdir " + path,
                  "mkdir " + path + "/hosts/nqn.2026-01.io.example:host", "mkdir " + path + "/namespaces/1",
                  "ln " + path + "/namespaces/1/" + kNqn + "-1 ../../../../../" + device,
                  "mkdir " + path + "/namespaces/2",
                  "ln " + path + "/namespaces/2/there ../../../../../target/core/null_7/there",
                  "mkdir " + path + "/ports/tcp:127.0.0.1:4420",
                  "set " + path + "/ports/tcp:127.0.0.1:4420/enable 1"));
}

TEST(TenantBatch, NamesOfDevicesFit) {
  const auto steps =
      creation({.nqn = "nqn.2026-01.io.example:" + std::string(190, 'x'), .backends = {"null:1T"}});
  ASSERT_TRUE(steps) << steps.error().message;
  const std::string path = (*steps)[1].value("path", "");
  EXPECT_LE(path.size() - path.rfind('/'), 200u);
}

TEST(TenantBatch, WrongBackends) {
  const auto refused = creation({.nqn = kNqn, .backends = {"16M", "tape:1G"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EINVAL);
  EXPECT_THAT(refused.error().message, HasSubstr("\"tape\" must be ramdisk, file, block or null"));
  // The tree separates keys by commas.
  const auto comma = creation({.nqn = kNqn, .backends = {"file:/a,,b,size=1M"}});
  ASSERT_FALSE(comma);
  EXPECT_THAT(comma.error().message, HasSubstr("a comma cannot stand in fd_dev_name"));
}

TEST(TenantBatch, Removal) {
  const auto shown = ordered_json::parse(R"({"path": "x", "kind": "directory", "entries": [
    {"name": "hosts", "kind": "directory", "entries": [{"name": "h", "kind": "directory", "entries": []}]},
    {"name": "namespaces", "kind": "directory", "entries": [
      {"name": "1", "kind": "directory", "entries": [
        {"name": "disk", "kind": "link", "target": "/mnt/target/core/rd_mcp_1/disk"}]},
      {"name": "ns_2", "kind": "directory", "entries": [
        {"name": "again", "kind": "link", "target": "../../target/core/rd_mcp_1/disk/"}]},
      {"name": "3", "kind": "directory", "entries": []}]},
    {"name": "ports", "kind": "directory", "entries": [{"name": "loop", "kind": "directory", "entries": []}]}]})");
  const Removal its = removal("q", shown);
  EXPECT_THAT(
      lines(its.steps),
      ElementsAre("rmdir nvmet/subsystems/q/ports/loop", "rmdir nvmet/subsystems/q/hosts/h",
                  "rm nvmet/subsystems/q/namespaces/1/disk", "rmdir nvmet/subsystems/q/namespaces/1",
                  "rm nvmet/subsystems/q/namespaces/ns_2/again", "rmdir nvmet/subsystems/q/namespaces/ns_2",
                  "rmdir nvmet/subsystems/q/namespaces/3", "rmdir nvmet/subsystems/q"));
  EXPECT_THAT(its.devices, ElementsAre("target/core/rd_mcp_1/disk"));
}

TEST(DaemonClient, Paths) {
  EXPECT_EQ(tree_path("//nvmet///subsystems/"), "nvmet/subsystems");
  EXPECT_EQ(tree_path("/"), "");
  EXPECT_EQ(tree_target("/a b/tcp:[::1]:4420/100%"), "/v1/tree/a%20b/tcp%3A%5B%3A%3A1%5D%3A4420/100%25");
  EXPECT_EQ(relative_target("/a/b/c", "target/core/x_1/y"), "../../target/core/x_1/y");
  EXPECT_EQ(relative_target("a/b", "../../target/core/x_1/y"), "../../target/core/x_1/y");
}

TEST(Table, ColumnsAndStrangeBytes) {
  EXPECT_EQ(table_text({{"NAME", "N"}, {"a", "1"}, {"long name", ""}}),
            "NAME       N\na          1\nlong name\n");
  EXPECT_EQ(table_text({{"\x1b[31mred"}}), "?[31mred\n");
}

}  // namespace

}  // namespace weft::cli
