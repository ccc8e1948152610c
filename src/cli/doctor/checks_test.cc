#include "cli/doctor/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace weft::cli::doctor {
namespace {

using ::testing::HasSubstr;

class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-doctor-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~DoctorTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  static Finding one(const Findings& all, const std::string& what) {
    for (const Finding& each : all)
      if (each.what == what) return each;
    ADD_FAILURE() << what << " was not looked at";
    return {};
  }
  std::filesystem::path root_;
};

TEST_F(DoctorTest, SaysWhichSysctlIsTooLowAndWhatToDo) {
  write("proc/sys/net/core/somaxconn", "128\n");
  write("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n");
  write("proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t1048576\n");
  write("dev/ublk-control", "");
  const Findings all = check_system(root_);
  EXPECT_EQ(one(all, "net.core.somaxconn").state, State::warning);
  EXPECT_THAT(one(all, "net.core.somaxconn").text, HasSubstr("sysctl -w net.core.somaxconn="));
  EXPECT_EQ(one(all, "net.ipv4.tcp_rmem").state, State::good);
  EXPECT_THAT(one(all, "net.ipv4.tcp_wmem").text,
              HasSubstr("sysctl -w net.ipv4.tcp_wmem=\"4096 16384 4194304\""));
  EXPECT_EQ(one(all, "/dev/fuse").state, State::warning);
  EXPECT_EQ(one(all, "/dev/ublk-control").state, State::good);
}

TEST_F(DoctorTest, WhatTheKernelDoesNotShowIsNoFault) {
  const Findings all = check_system(root_);
  EXPECT_EQ(one(all, "net.core.somaxconn").state, State::none);
  EXPECT_EQ(one(all, "net.ipv4.tcp_rmem").state, State::none);
}

TEST_F(DoctorTest, LooksAtAStoreWithoutMakingOne) {
  const std::string file = root_ / "config.db";
  EXPECT_EQ(check_store(file).state, State::none);
  EXPECT_FALSE(std::filesystem::exists(file));
  write("config.db",
        "this is no database, but a note that somebody has left here, long enough to be read as one");
  EXPECT_EQ(check_store(file).state, State::bad);
  EXPECT_THAT(check_store(file).text, HasSubstr(file));
}

TEST_F(DoctorTest, LooksAtAConfiguration) {
  EXPECT_EQ(check_configuration(root_ / "none.json")[0].state, State::bad);
  write("weft.json", R"({"version": 1})");
  EXPECT_EQ(check_configuration(root_ / "weft.json")[0].state, State::good);
  write("weft.json", R"({"version": 1, "tea": 3})");
  EXPECT_EQ(check_configuration(root_ / "weft.json")[0].state, State::bad);
}

TEST_F(DoctorTest, ReadsWhatWeftdSays) {
  using nlohmann::ordered_json;
  ordered_json status{{"version", WEFT_VERSION},
                      {"process", 7},
                      {"tenants", 1},
                      {"devices", {{"all", 2}, {"open", 2}, {"opening", 0}}},
                      {"listeners", {"tcp:127.0.0.1:4420"}},
                      {"reactors", {{{"silent_seconds", nullptr}}, {{"silent_seconds", nullptr}}}},
                      {"overdue", ordered_json::array()}};
  for (const Finding& each : check_weftd(status))
    EXPECT_EQ(each.state, State::good) << each.what << each.text;
  status["version"] = "0.0.1";
  status["devices"]["open"] = 1;
  status["listeners"] = ordered_json::array();
  status["reactors"][1]["silent_seconds"] = 12.5;
  status["overdue"] = {{{"commands", 3},
                        {"subsystem", "nqn.x"},
                        {"waits", "for the backend"},
                        {"backend", "fileio_1/a"},
                        {"seconds", 20.0}}};
  const Findings all = check_weftd(status);
  EXPECT_EQ(one(all, "weftd").state, State::warning);
  EXPECT_EQ(one(all, "devices").state, State::warning);
  EXPECT_EQ(one(all, "listeners").state, State::warning);
  EXPECT_EQ(one(all, "reactor 1").state, State::bad);
  EXPECT_THAT(one(all, "commands").text, HasSubstr("3 of nqn.x wait for the backend fileio_1/a, for 20 s"));
}

}  // namespace
}  // namespace weft::cli::doctor
