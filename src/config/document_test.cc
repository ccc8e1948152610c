#include "config/document.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSerial = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
constexpr const char* kNqn = "nqn.2024-01.test:one";

// Every field there is.
constexpr const char* kWhole = R"({"version": 1,
 "target": {"core": {"rd_mcp_1": {"disk": {"control": {"rd_pages": "32768", "overcommit": true, "n": 7},
                                           "enable": 0, "alias": "the first", "udev_path": "/dev/x",
                                           "wwn": {"vpd_unit_serial": "9B1DEB4D-3b7d-4bad-9bdd-2b0d7b3dcb6d",
                                                   "vendor_id": "ACME", "product_id": "A disk",
                                                   "revision": 25, "company_id": "0x001405"}},
                                  "other": {}},
                     "null_0": {}}},
 "nvmet": {"discovery": {"ports": {"tcp:127.0.0.1:8009": {"enable": 1}},
                         "referrals": {"far": {"addr_trtype": "tcp", "addr_adrfam": "ipv6",
                                               "addr_traddr": "2001:db8::1", "addr_trsvcid": 8009,
                                               "enable": false}}},
           "subsystems": {"nqn.2024-01.test:one": {
              "attr_allow_any_host": 0, "attr_serial": "S1", "attr_version": "2.0", "attr_ieee_oui": "0xABC",
              "hosts": {"nqn.2024-01.test:host": {"link_target": "/x/hosts/h"}},
              "namespaces": {"1": {"device": "target/core/rd_mcp_1/disk", "ana_grpid": "128", "readonly": "1",
                                   "device_uuid": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
                                   "device_nguid": "00112233445566778899aabbccddeeff"},
                             "ns_2": {"device": "target/core/rd_mcp_1/other", "link_name": "here",
                                      "link_target": "/mnt/target/core/rd_mcp_1/other"},
                             "3": {"device_path": "/dev/y", "buffered_io": 1}, "4294967294": {"device": "target/core/rd_mcp_1/other"}},
              "ports": {"tcp:[::1]:4420": {"enable": 0, "addr_advertise": "192.0.2.1:4420",
                        "ana_groups": {"1": {"ana_state": "change"}, "7": {}}}}}},
           "discovery_nqn": "nqn.2024-01.test:discovery"},
 "kernel": {"nvmet": {"hosts": {"nqn.2024-01.test:host": {}},
                      "ports": {"7": {"addr_trtype": "tcp", "addr_adrfam": "ipv4", "addr_traddr": "10.0.0.5",
                                      "addr_trsvcid": 4420, "param_mdts": 5, "param_max_queue_size": "-1",
                                      "listen": 0, "ana_groups": {"2": {"ana_state": "change"}},
                                      "subsystems": {"nqn.2024-01.test:one":
                                                     {"link_target": "/k/subsystems/x", "held": 1}}},
                                "8": {}}}}})";

TEST(ParseDocument, ReadsEveryField) {
  const auto parsed = parse_document(kWhole);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_TRUE(parsed->problems.empty()) << parsed->problems.front().text();
  const Uuid serial = *parse_uuid(kSerial);
  Document expected;
  expected.devices["rd_mcp_1/disk"] = {.control = {{"n", "7"}, {"overcommit", "1"}, {"rd_pages", "32768"}},
                                       .enable = false,
                                       .identity = {.vendor_id = "ACME",
                                                    .product_id = "A disk",
                                                    .revision = "25",
                                                    .company_id = 0x1405,
                                                    .unit_serial = serial},
                                       .notes = {.alias = "the first", .udev_path = "/dev/x"}};
  expected.empty_adapters = {"null_0"};
  expected.devices["rd_mcp_1/other"] = {};
  expected.discovery_ports[{"tcp", "127.0.0.1", "8009"}] = {};
  expected.referrals["far"] = {
      .enable = false, .trtype = "tcp", .adrfam = "ipv6", .traddr = "2001:db8::1", .trsvcid = "8009"};
  SubsystemEntry& subsystem = expected.subsystems[kNqn];
  subsystem.attributes = {{"attr_allow_any_host", "0"},
                          {"attr_ieee_oui", "0x000abc"},
                          {"attr_serial", "S1"},
                          {"attr_version", "2.0"}};
  subsystem.hosts = {{"nqn.2024-01.test:host", {"/x/hosts/h"}}};
  target::Nguid nguid{};
  for (std::size_t i = 0; i < nguid.size(); ++i) nguid[i] = static_cast<std::uint8_t>(i * 0x11);
  subsystem.namespaces[Nsid(1)] = {.device = "rd_mcp_1/disk",
                                   .uuid = serial,
                                   .nguid = nguid,
                                   .ana_group = AnaGroupId(128),
                                   .read_only = true};
  subsystem.namespaces[Nsid(2)] = {.device = "rd_mcp_1/other",
                                   .directory = "ns_2",
                                   .link_name = "here",
                                   .link_target = "/mnt/target/core/rd_mcp_1/other"};
  subsystem.namespaces[Nsid(3)] = {.device_path = "/dev/y", .buffered_io = true};
  subsystem.namespaces[Nsid(4294967294)] = {.device = "rd_mcp_1/other"};
  subsystem.ports[{"tcp", "::1", "4420"}] = {
      .enable = false,
      .advertise = "192.0.2.1:4420",
      .ana_groups = {{AnaGroupId(1), wire::AnaState::change}, {AnaGroupId(7), wire::AnaState::inaccessible}}};
  expected.discovery_nqn = "nqn.2024-01.test:discovery";
  expected.kernel_hosts = {"nqn.2024-01.test:host"};
  expected.kernel_ports[PortId(7)] = {.entry = {.trtype = "tcp",
                                                .adrfam = "ipv4",
                                                .traddr = "10.0.0.5",
                                                .trsvcid = "4420",
                                                .params = {{"param_mdts", "5"}},
                                                .listen = false,
                                                .ana_groups = {{AnaGroupId(1), wire::AnaState::optimized},
                                                               {AnaGroupId(2), wire::AnaState::change}}},
                                      .links = {{kNqn, {.target = "/k/subsystems/x", .is_held = true}}}};
  expected.kernel_ports[PortId(8)] = {};
  EXPECT_EQ(parsed->document, expected);
}

TEST(ParseDocument, ReadsBackWhatWasWritten) {
  const auto first = parse_document(kWhole);
  ASSERT_TRUE(first);
  const std::string text = write_document(first->document);
  const auto second = parse_document(text);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->problems.empty());
  EXPECT_EQ(second->document, first->document);
  EXPECT_EQ(write_document(second->document), text);
  EXPECT_EQ(text.back(), '\n');
}

TEST(ParseDocument, AnEmptyOneHasNothing) {
  for (const auto* text : {R"({"version": 1})", R"({"version": "1", "target": {}, "nvmet": {}})"}) {
    const auto parsed = parse_document(text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->document, Document());
    EXPECT_TRUE(parsed->problems.empty());
  }
  const auto again = parse_document(write_document({}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->document, Document());
}

TEST(ParseDocument, RefusesWhatIsNoDocument) {
  constexpr struct {
    const char* text;
    const char* says;
  } kCases[] = {
      {"", "it is no JSON text"},
      {"{\"version\": 1", "it is no JSON text"},
      {"{\"version\": 1} x", "it is no JSON text"},
      {"{\"version\": 1, \"\xFF\": 1}", "it is no JSON text"},
      {"[]", "the document is a list; it must be an object"},
      {"null", "the document is null"},
      {"3", "the document is 3"},
      {"{}", "version: it is not there"},
      {R"({"version": 2})", "version: \"2\" must be 1"},
      {R"({"version": -1})", "version: is -1; it must be a string, or a number that is whole"},
      {R"({"version": 1.0})", "version: is 1.0"},
      {R"({"version": [1]})", "version: is a list"},
      {R"({"version": 1, "nvmt": {}})", "nvmt: unknown key; known here: kernel, nvmet, target, version"},
      {R"({"version": 1, "target": []})", "target: is a list; it must be an object"},
      {R"({"version": 1, "target": {"cores": {}}})", "target/cores: unknown key; known here: core"},
      {R"({"version": 1, "nvmet": {"ports": {}}})", "nvmet/ports: unknown key"},
      {R"({"version": 1, "nvmet": {"discovery": {"x": {}}}})", "nvmet/discovery/x: unknown key"},
      {R"({"version": 1, "version": 1})", "the key \"version\" is there twice in one object"},
      {R"({"version": 1, "nvmet": {"subsystems": {"a": {"hosts": {"b": {}, "b": {}}}}}})", "the key \"b\""},
  };
  for (const auto& each : kCases) {
    const auto parsed = parse_document(each.text);
    ASSERT_FALSE(parsed) << each.text;
    EXPECT_EQ(parsed.error().code, EINVAL) << each.text;
    EXPECT_THAT(parsed.error().message, HasSubstr(each.says)) << each.text;
    EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos) << each.text;
  }
}

TEST(ParseDocument, NamespacesBeyondTheLimitAreReported) {
  std::string namespaces;
  for (int nsid = 1; nsid <= 1026; ++nsid)
    namespaces += fmt::format(R"({}"{}": {{"device": "target/core/null_0/a"}})", nsid == 1 ? "" : ", ", nsid);
  const auto parsed = parse_document(R"({"version": 1, "nvmet": {"subsystems": {"wide": {"namespaces": {)" +
                                     namespaces + "}}}}}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->document.subsystems.at("wide").namespaces.size(), 1024u);
  ASSERT_EQ(parsed->problems.size(), 2u);
  EXPECT_EQ(parsed->problems[0].path, "nvmet/subsystems/wide/namespaces/1026");
  EXPECT_EQ(parsed->problems[1].path, "nvmet/subsystems/wide/namespaces/1025");
  EXPECT_NE(parsed->problems[0].reason.find("at most 1024 namespaces"), std::string::npos);
}

TEST(ParseDocument, TheSameKeyInTwoObjectsIsNoMistake) {
  EXPECT_TRUE(parse_document(R"({"version": 1, "nvmet": {"subsystems": {"a": {"hosts": {"h": {}}},
                                                                       "b": {"hosts": {"h": {}}}}}})"));
}

// A document with one good item of each kind, and beside it the fragment that is wrong.
struct BadItem {
  const char* where;  // core, device, referral, port, subsystem, attribute, host, namespace, subsystem port
  std::string fragment;
  std::string path;
  std::string says;
};

std::string document_with(const BadItem& bad) {
  const auto at = [&bad](std::string_view where) {
    return bad.where == where ? ", " + bad.fragment : std::string();
  };
  return R"({"version": 1, "target": {"core": {"null_0": {"a": {})" + at("device") + "}" + at("core") +
         R"(}}, "nvmet": {"discovery": {"ports": {"tcp:127.0.0.1:8009": {})" + at("port") +
         R"(}, "referrals": {"r": {"addr_trtype": "tcp", "addr_traddr": "192.0.2.1", "addr_trsvcid": "8009"})" +
         at("referral") + R"(}}, "subsystems": {"good": {"hosts": {"h": {})" + at("host") +
         R"(}, "namespaces": {"1": {"device": "target/core/null_0/a"})" + at("namespace") +
         R"(}, "ports": {"tcp:127.0.0.1:4420": {})" + at("subsystem port") + "}}" + at("subsystem") + "}}}";
}

std::vector<BadItem> bad_items() {
  const std::string core = "target/core/";
  const std::string device = "target/core/null_0/";
  const std::string ns = "nvmet/subsystems/good/namespaces/";
  const std::string referral = "nvmet/discovery/referrals/";
  const std::string sub = "nvmet/subsystems/";
  return {
      {"core", R"("null": {})", core + "null", "must be PLUGIN_N, like rd_mcp_1"},
      {"core", R"("_1": {})", core + "_1", "must be PLUGIN_N"},
      {"core", R"("null_x": {})", core + "null_x", "must be PLUGIN_N"},
      {"core", R"("null_4294967296": {})", core + "null_4294967296", "must be PLUGIN_N"},
      {"core", R"("a b_1": {})", core + "a b_1", "must be PLUGIN_N"},
      {"core", R"("null_7": [])", core + "null_7", "is a list; it must be an object"},
      {"device", R"("x/y": {})", device + "x/y", "no blank and no /"},
      {"device", R"("": {})", device, "1 to 200 characters"},
      {"device", R"("..": {})", device + "..", "1 to 200 characters"},
      {"device", "\"" + std::string(201, 'x') + "\": {}", device, "1 to 200 characters"},
      {"device", R"("x": 1)", device + "x", "is 1; it must be an object"},
      {"device", R"("x": {"enable": "yes"})", device + "x/enable", "\"yes\" must be 0 or 1"},
      {"device", R"("x": {"enable": {}})", device + "x/enable", "is an object"},
      {"device", R"("x": {"wwn": {"vpd_unit_serial": "1"}})", device + "x/wwn/vpd_unit_serial",
       "must be a UUID"},
      {"device", R"("x": {"wwn": {"vpd_unit_serial": "00000000-0000-0000-0000-000000000000"}})",
       device + "x/wwn/vpd_unit_serial", "not zero"},
      {"device", R"("x": {"wwn": {"other": "1"}})", device + "x/wwn/other", "unknown key"},
      {"device", R"("x": {"control": {"k": null}})", device + "x/control/k", "is null"},
      {"device", R"("x": {"control": {"k": 1.5}})", device + "x/control/k", "is 1.5"},
      {"device", R"("x": {"control": "k=1"})", device + "x/control", "it must be an object"},
      {"device", R"("x": {"wwn": {"vendor_id": "too long."}})", device + "x/wwn/vendor_id",
       "\"too long.\" must be 1 to 8 printable"},
      {"device", R"("x": {"wwn": {"company_id": "0x1000000"}})", device + "x/wwn/company_id", "IEEE OUI"},
      {"device", R"("x": {"wwn": {"serial": "1"}})", device + "x/wwn/serial",
       "known here: company_id, product_id, revision, vendor_id, vpd_unit_serial"},
      {"device", R"("x": {"attrib": {}})", device + "x/attrib",
       "known here: alias, control, enable, udev_path, wwn"},
      {"port", R"("tcp": {})", "nvmet/discovery/ports/tcp", "must be TRTYPE:ADDRESS:SERVICE"},
      {"port", R"("tcp:::1:8009": {})", "nvmet/discovery/ports/tcp:::1:8009", "must be ADDRESS:SERVICE"},
      {"port", R"("tcp:1.2.3.4:1": {"addr_advertise": "x"})",
       "nvmet/discovery/ports/tcp:1.2.3.4:1/addr_advertise", "\"x\" must be ADDRESS:SERVICE"},
      {"port", R"("tcp:1.2.3.4:1": {"enable": 2})", "nvmet/discovery/ports/tcp:1.2.3.4:1/enable",
       "must be 0 or 1"},
      {"subsystem port", R"("tcp:1.2.3.4:1": {"x": 2})", sub + "good/ports/tcp:1.2.3.4:1/x",
       "known here: addr_advertise, ana_groups, enable"},
      {"referral", R"("x": {"addr_traddr": "1.2.3.4", "addr_trsvcid": "1"})", referral + "x", "addr_trtype"},
      {"referral", R"("x": {"addr_trtype": "ip", "addr_traddr": "1.2.3.4", "addr_trsvcid": "1"})",
       referral + "x/addr_trtype", "\"ip\" must be one of: rdma"},
      {"referral", R"("x": {"addr_trtype": "tcp", "addr_adrfam": "ip"})", referral + "x/addr_adrfam",
       "must be one of: ipv4"},
      {"referral", R"("x": {"addr_trtype": "tcp", "addr_trsvcid": "1"})", referral + "x",
       "addr_traddr and addr_trsvcid"},
      {"referral", R"("a b": {})", referral + "a b", "no blank"},
      {"subsystem", R"("": {})", sub, "the name"},
      {"subsystem", "\"" + std::string(224, 'n') + "\": {}", sub, "longer than 223"},
      {"subsystem", R"("a\u0001": {})", sub, "the name"},
      {"subsystem", R"("nqn.2014-08.org.nvmexpress.discovery": {})",
       sub + "nqn.2014-08.org.nvmexpress.discovery", "choose another"},
      {"subsystem", R"("x": 5)", sub + "x", "it must be an object"},
      {"subsystem", R"("x": {"attr_serials": "1"})", sub + "x/attr_serials", "unknown key"},
      {"subsystem", R"("x": {"attr_serial": ""})", sub + "x", "attr_serial: \"\" must be 1 to 20"},
      {"subsystem", R"("x": {"attr_qid_max": 129})", sub + "x", "attr_qid_max: \"129\" must be a number"},
      {"subsystem", R"("x": {"attr_cntlid_min": 9, "attr_cntlid_max": 8})", sub + "x", "attr_cntlid_min"},
      {"subsystem", R"("x": {"attr_allow_any_host": 1, "hosts": {"h": {}}})", sub + "x", "choose one"},
      {"host", R"("": {})", sub + "good/hosts/", "the name"},
      {"host", R"("x": {"dhchap_key": "k"})", sub + "good/hosts/x/dhchap_key",
       "unknown key; known here: link_target"},
      {"namespace", R"("0": {})", ns + "0", "from 1 to 4294967294"},
      {"namespace", R"("4294967295": {})", ns + "4294967295", "from 1 to 4294967294"},
      {"namespace", R"("02": {})", ns + "02", "from 1 to 4294967294"},
      {"namespace", R"("0x2": {})", ns + "0x2", "from 1 to 4294967294"},
      {"namespace", R"("ns_1": {})", ns + "ns_1", "there already under its other name"},
      {"namespace", R"("ns_02": {})", ns + "ns_02", "from 1 to 4294967294"},
      {"namespace", R"("2": {"device": "rd_mcp_1/x"})", ns + "2/device",
       "must be target/core/PLUGIN_N/DEVICE"},
      {"namespace", R"("2": {"device": "target/core/"})", ns + "2/device",
       "must be target/core/PLUGIN_N/DEVICE"},
      {"namespace", R"("2": {"device": "target/core/null_0/a", "link_name": "a/b"})", ns + "2/link_name",
       "no /"},
      {"namespace", R"("2": {"device": "target/core/null_0/a", "link_target": "/x/target/core/null_0/b"})",
       ns + "2/link_target", "must end in target/core/null_0/a"},
      {"namespace", R"("2": {"device_path": "a"})", ns + "2/device_path", "/"},
      {"namespace", R"("2": {"buffered_io": 2})", ns + "2/buffered_io", "must be 0 or 1"},
      {"namespace", R"("2": {"ana_grpid": 0})", ns + "2/ana_grpid", "must be a number from 1 to 128"},
      {"namespace", R"("2": {"ana_grpid": 129})", ns + "2/ana_grpid", "must be a number from 1 to 128"},
      {"namespace", R"("2": {"device_nguid": "0011223344556677-8899aabbccddeef"})", ns + "2/device_nguid",
       "32 hexadecimal digits"},
      {"namespace", R"("2": {"device_nguid": "1"})", ns + "2/device_nguid", "32 hexadecimal digits"},
      {"namespace", R"("2": {"device_uuid": 1})", ns + "2/device_uuid", "must be a UUID"},
      {"namespace", R"("2": {"readonly": "ro"})", ns + "2/readonly", "must be 0 or 1"},
  };
}

TEST(ParseDocument, OneBadItemDoesNotStopTheRest) {
  const auto good = parse_document(document_with({.where = "", .fragment = {}, .path = {}, .says = {}}));
  ASSERT_TRUE(good) << good.error().message;
  ASSERT_EQ(good->document.subsystems.size(), 1u);
  for (const BadItem& bad : bad_items()) {
    const auto parsed = parse_document(document_with(bad));
    ASSERT_TRUE(parsed) << bad.fragment << ": " << parsed.error().message;
    ASSERT_EQ(parsed->problems.size(), 1u) << bad.fragment;
    const Problem& found = parsed->problems.front();
    EXPECT_TRUE(found.path.starts_with(bad.path)) << found.text();
    EXPECT_THAT(found.reason, HasSubstr(bad.says));
    EXPECT_EQ(found.text(), found.path + ": " + found.reason);
    EXPECT_EQ(parsed->document, good->document) << bad.fragment;
  }
}

TEST(AttributesOf, AreThoseThatDiffer) {
  EXPECT_TRUE(attributes_of("one", *settings_of("one", {})).empty());
  const std::map<std::string, std::string> some = {{"attr_cntlid_min", "7"}, {"attr_serial", "mine"}};
  EXPECT_EQ(attributes_of("one", *settings_of("one", some)), some);
}

TEST(SettingsOf, DefaultsAreOfTheNqn) {
  const auto one = settings_of("one", {});
  const auto two = settings_of("two", {});
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->serial.size(), 20u);
  EXPECT_NE(one->serial, two->serial);
  EXPECT_EQ(settings_of("one", {{"attr_serial", "mine"}})->serial, "mine");
}

}  // namespace
}  // namespace weft::config
