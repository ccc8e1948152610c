#include "config/document_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::HasSubstr;

constexpr const char* kNqn = "nqn.2024-01.test:a/b~c";

Rows good_rows() {
  const std::string one = subsystem_row(kNqn);
  return {
      {"target/core/null_0", "{}"},
      {"target/core/rd_mcp_1", "{}"},
      {device_row("rd_mcp_1/a~b"), row_value(DeviceEntry{.control = {{"size", "1M"}}})},
      {one, row_value(std::map<std::string, std::string>{{"attr_serial", "S"}})},
      {one + "/hosts/h", "{}"},
      {one + "/namespaces/ns_7", row_value(NamespaceEntry{.device = "rd_mcp_1/a~b", .directory = "ns_7"})},
      {one + "/ports/loop", row_value(PortEntry{.enable = false})},
      {"nvmet/subsystems/two/hosts/h", "{}"},
      {"nvmet", R"({"discovery_nqn": "nqn.2024-01.test:d"})"},
      {"kernel/nvmet/hosts/h", "{}"},
      {"kernel/nvmet/ports/7", row_value(KernelPortEntry{.trtype = "tcp", .listen = false})},
      {"kernel/nvmet/ports/7/subsystems/two", row_value(KernelLink{.target = "/x", .is_held = true})},
      {"nvmet/discovery/referrals/r",
       row_value(ReferralEntry{.trtype = "tcp", .traddr = "192.0.2.1", .trsvcid = "8009"})}};
}

Document good_document() {
  Document document;
  document.empty_adapters = {"null_0"};
  document.devices["rd_mcp_1/a~b"] = {.control = {{"size", "1M"}}};
  SubsystemEntry& one = document.subsystems[kNqn];
  one.attributes = {{"attr_serial", "S"}};
  one.hosts = {{"h", {}}};
  one.namespaces[Nsid(7)] = {.device = "rd_mcp_1/a~b", .directory = "ns_7"};
  one.ports[{"loop", "", ""}] = {.enable = false};
  document.subsystems["two"].hosts = {{"h", {}}};  // whose own row had not come yet
  document.discovery_nqn = "nqn.2024-01.test:d";
  document.kernel_hosts = {"h"};
  document.kernel_ports[PortId(7)] = {.entry = {.trtype = "tcp", .listen = false},
                                      .links = {{"two", {.target = "/x", .is_held = true}}}};
  document.referrals["r"] = {.trtype = "tcp", .traddr = "192.0.2.1", .trsvcid = "8009"};
  return document;
}

TEST(DocumentRows, NamesAreEscaped) {
  EXPECT_EQ(row_path({"a", "b/c", "~d"}), "a/b~1c/~0d");
  EXPECT_EQ(device_row("rd_mcp_1/x"), "target/core/rd_mcp_1/x");
  EXPECT_EQ(subsystem_row("a/b"), "nvmet/subsystems/a~1b");
}

TEST(DocumentRows, AreReadBack) {
  const auto parsed = read_rows(good_rows());
  EXPECT_TRUE(parsed.problems.empty()) << parsed.problems.front().text();
  EXPECT_EQ(parsed.document, good_document()) << write_document(parsed.document);
  EXPECT_EQ(read_rows({}).document, Document());
}

TEST(DocumentRows, OneBadRowDoesNotStopTheRest) {
  constexpr struct {
    const char* path;
    const char* value;
    const char* says;
  } kCases[] = {
      {"target/core/rd_mcp_1/x", "{", "is no JSON object"},
      {"target/core/rd_mcp_1/x", "", "is no JSON object"},
      {"target/core/rd_mcp_1/x", "[]", "is no JSON object"},
      {"target/core/rd_mcp_1/x", R"({"later": 1})", "unknown key"},
      {"target/core/rd_mcp_1/x/y", "{}", "no object has such a path"},
      {"target/cores/rd_mcp_1", "{}", "no object has such a path"},
      {"", "{}", "no object has such a path"},
      {"target", "{}", "no object has such a path"},
      {"nvmet/discovery/x/y", "{}", "no object has such a path"},
      {"kernel/nvmet", "{}", "no object has such a path"},
      {"kernel/nvmet/subsystems/x", "{}", "no object has such a path"},
      {"kernel/nvmet/ports/7/ana_groups/2", "{}", "no object has such a path"},
      {"kernel/nvmet/ports/x", "{}", "from 1 to 65535"},
      {"kernel/nvmet/ports/8", R"({"addr_trtype": "x"})", "\"x\""},
      {"kernel/nvmet/hosts/", "{}", "must not be empty"},
      {"nvmet/subsystems/x/controllers/1", "{}", "no object has such a path"},
      {"nvmet/subsystems/x/hosts", "{}", "no object has such a path"},
      {"nvmet/subsystems/x", R"({"attr_qid_max": 0})", "attr_qid_max"},
      {"nvmet/subsystems/x", R"({"hosts": 5})", "is 5; it must be an object"},
      {"nvmet/subsystems/two/hosts/", "{}", "must not be empty"},
      {"nvmet/subsystems/two/namespaces/x", "{}", "N or ns_N"},
      {"nvmet/subsystems/two/ports/tcp", "{}", "TRTYPE:ADDRESS:SERVICE"},
  };
  for (const auto& each : kCases) {
    Rows rows = good_rows();
    rows[each.path] = each.value;
    const auto parsed = read_rows(rows);
    ASSERT_EQ(parsed.problems.size(), 1u) << each.path;
    EXPECT_TRUE(parsed.problems[0].path.starts_with(each.path)) << parsed.problems[0].text();
    EXPECT_THAT(parsed.problems[0].reason, HasSubstr(each.says));
    EXPECT_EQ(parsed.document, good_document()) << each.path;
  }
}

}  // namespace
}  // namespace weft::config
