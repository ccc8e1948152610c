#include "config/nvmetcli_format.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/test_model_tree.h"

namespace weft::config {
namespace {

using nlohmann::json;

class NvmetcliFormat : public ModelTreeTest {
 protected:
  NvmetcliFormat() {
    std::string pattern = testing::TempDir() + "weft-nvmetcli-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    std::ofstream(folder_ + "/disk") << "data";
  }
  ~NvmetcliFormat() override {
    stop();
    std::filesystem::remove_all(folder_);
  }

  // The sample, with a disk that is there.
  json sample(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(std::string(WEFT_CONFIG_TESTDATA) + "/" + name).rdbuf();
    json root = json::parse(text.str());
    for (auto& subsystem : root["subsystems"])
      for (auto& each : subsystem["namespaces"]) each["device"]["path"] = folder_ + "/disk";
    return root;
  }
  std::vector<std::string> import(const json& root) {
    const auto problems = import_nvmetcli(*tree_, root.dump(), kTestPatience);
    EXPECT_TRUE(problems) << problems.error().message;
    std::vector<std::string> all;
    for (const auto& problem : *problems) all.push_back(problem.text());
    return all;
  }
  json exported() const { return json::parse(*export_nvmetcli(*tree_)); }

  // Everything that `part` says is in `whole`; lists have the same length.
  static void expect_within(const json& part, const json& whole, const std::string& path) {
    if (part.is_object()) {
      for (const auto& [key, value] : part.items()) {
        ASSERT_TRUE(whole.contains(key)) << path << "/" << key;
        expect_within(value, whole.at(key), path + "/" + key);
      }
    } else if (part.is_array()) {
      ASSERT_EQ(part.size(), whole.size()) << path;
      for (std::size_t i = 0; i < part.size(); ++i) expect_within(part[i], whole[i], path);
    } else {
      EXPECT_EQ(part, whole) << path;
    }
  }
  void clear() {
    ASSERT_TRUE(configuration_->restore({}).problems.empty());
    loops_.run_until_idle();
    for (const char* folder : {"ports", "hosts"}) {
      const std::string path = std::string("kernel/nvmet/") + folder;
      const auto entries = *tree_->list(path);
      for (const auto& entry : entries) ASSERT_EQ(rmdir(path + "/" + entry.name), 0) << said_;
    }
  }

  std::string folder_;
};

TEST_F(NvmetcliFormat, TheSamplesComeBackAsTheyWere) {
  const struct {
    const char* name;
    const char* lacks;  // the transport that is not here
  } samples[] = {{"tcp.json", nullptr}, {"rdma.json", "rdma"}, {"fc.json", "fc"}, {"loop.json", "loop"}};
  for (const auto& each : samples) {
    const json root = sample(each.name);
    const auto problems = import(root);
    if (each.lacks == nullptr) {
      EXPECT_THAT(problems, IsEmpty());
      EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:192.168.122.33:4420"));
    } else {
      const std::string id = root["ports"][0]["portid"].dump();
      EXPECT_THAT(problems,
                  ElementsAre(testing::StartsWith("kernel/nvmet/ports/" + id +
                                                  "/listen: there is no transport \"" + each.lacks + "\"")));
      EXPECT_THAT(cat("kernel/nvmet/ports/" + id + "/last_error"), HasSubstr("there is no transport"));
    }
    const json out = exported();
    expect_within(root, out, each.name);
    EXPECT_TRUE(out["subsystems"][0]["namespaces"][0]["nsid"].is_number());
    EXPECT_TRUE(out["subsystems"][0]["attr"]["qid_max"].is_string());
    // What is exported is imported as the same again.
    clear();
    EXPECT_EQ(import(out).size(), problems.size());
    EXPECT_EQ(exported(), out);
    clear();
    EXPECT_EQ(exported()["subsystems"], json::array());
  }
}

TEST_F(NvmetcliFormat, AListenerOpensWhenAllIsThere) {
  json root = sample("tcp.json");
  root["subsystems"].push_back(root["subsystems"][0]);
  root["subsystems"][1]["nqn"] = "second";
  root["subsystems"][1]["namespaces"] = json::array();
  root["ports"][0]["subsystems"].push_back("second");
  root["ports"][0]["ana_groups"][0]["ana"]["state"] = "non-optimized";
  EXPECT_THAT(import(root), IsEmpty());
  EXPECT_EQ(transport_->offered_first, 2u);
  EXPECT_EQ(snapshot("second")->ana_of(PortId(1)).of(AnaGroupId(1)), wire::AnaState::non_optimized);
}

TEST_F(NvmetcliFormat, OneBadItemDoesNotStopTheRest) {
  json root = sample("tcp.json");
  root["hosts"] = {{{"nqn", "h"}}, {{"nqn", ""}}, 7, {{"nqn", "i"}, {"dhchap", {{"key", "DHHC-1:00:x:"}}}}};
  root["subsystems"][0]["attr"]["qid_max"] = "1000";
  root["subsystems"][0]["attr"]["none"] = "1";
  root["subsystems"][0]["more"] = 1;
  root["subsystems"][0]["namespaces"].push_back(
      {{"nsid", 2}, {"device", {{"path", folder_ + "/none"}}}, {"enable", 1}});
  root["ports"][0]["subsystems"].push_back("stranger");
  root["ports"].push_back({{"portid", 0}});
  root["ports"].push_back(7);
  const std::string subsystem = "kernel/nvmet/subsystems/nvmet-always";
  EXPECT_THAT(
      import(root),
      testing::UnorderedElementsAre(
          HasSubstr("kernel/nvmet/hosts: each item must be an object with \"nqn\""),
          HasSubstr("kernel/nvmet/hosts: each item must be an object with \"nqn\""),
          HasSubstr("kernel/nvmet/hosts/i/dhchap_key: \"DHHC-1:00:x:\": authentication is not there yet"),
          HasSubstr(subsystem + "/attr_qid_max: \"1000\" must be a number"),
          HasSubstr(subsystem + "/attr_none: "), HasSubstr(subsystem + "/more: nvmetcli has no such key"),
          HasSubstr(subsystem + "/namespaces/2/enable: "),
          HasSubstr("kernel/nvmet/ports/1/subsystems/stranger: "), HasSubstr("kernel/nvmet/ports/0: "),
          HasSubstr("kernel/nvmet/ports: each item")));
  EXPECT_EQ(ls("kernel/nvmet/hosts"), "h i");
  EXPECT_EQ(cat(subsystem + "/attr_model"), "Linux");
  EXPECT_EQ(cat(subsystem + "/namespaces/1/enable"), "1");
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:192.168.122.33:4420"));
  // Beside what is there nothing of the same name is touched.
  ASSERT_EQ(echo("Mine", subsystem + "/attr_model"), 0);
  EXPECT_THAT(import(sample("tcp.json")), ElementsAre(subsystem + ": there is one already",
                                                      "kernel/nvmet/ports/1: there is one already"));
  EXPECT_EQ(cat(subsystem + "/attr_model"), "Mine");
}

TEST_F(NvmetcliFormat, WhatIsNoSuchTextChangesNothing) {
  for (const char* text : {"", "[]", "{}", "{\"version\": 1}", "{\"hosts\": ["})
    EXPECT_EQ(import_nvmetcli(*tree_, text, kTestPatience).error().code, EINVAL) << text;
  EXPECT_THAT(
      import({{"hosts", 1}, {"subsystems", json::object()}}),
      ElementsAre("kernel/nvmet/hosts: it must be a list", "kernel/nvmet/subsystems: it must be a list"));
}

TEST_F(NvmetcliFormat, AnOpenThatHangsIsNotWaitedFor) {
  json root = sample("tcp.json");
  std::ofstream(folder_ + "/x.gate") << "data";
  root["subsystems"][0]["namespaces"][0]["device"]["path"] = folder_ + "/x.gate";
  const auto problems = import_nvmetcli(*tree_, root.dump(), std::chrono::milliseconds(50));
  ASSERT_TRUE(problems);
  ASSERT_EQ(problems->size(), 1u);
  EXPECT_THAT(problems->front().text(), HasSubstr("namespaces/1/enable: it may hang"));
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:192.168.122.33:4420"));
  gate_->open();
  EXPECT_TRUE(
      eventually([&] { return cat("kernel/nvmet/subsystems/nvmet-always/namespaces/1/enable") == "1"; }));
}

}  // namespace
}  // namespace weft::config
