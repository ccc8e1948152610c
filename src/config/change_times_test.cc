#include "config/change_times.h"

#include <gtest/gtest.h>

namespace weft::config {
namespace {

class ChangeTimesTest : public testing::Test {
 protected:
  // Seconds since the start.
  auto changed(std::string_view path) const { return seconds(times_.changed(path)); }
  auto names(std::string_view path) const { return seconds(times_.names_changed(path)); }
  static long seconds(ChangeTimes::Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time - kStart).count();
  }
  void at(long second) { now_ = kStart + std::chrono::seconds(second); }

  static constexpr ChangeTimes::Time kStart{std::chrono::hours(1)};
  ChangeTimes::Time now_ = kStart;
  ChangeTimes times_{[this] { return now_; }};
};

TEST_F(ChangeTimesTest, NothingHasChangedSinceTheStart) {
  at(1);
  EXPECT_EQ(changed("nvmet/subsystems/a/attr_model"), 0);
  EXPECT_EQ(names("nvmet/subsystems"), 0);
  EXPECT_EQ(names(""), 0);
}

TEST_F(ChangeTimesTest, WhatIsMadeChangesItsDirectoryToo) {
  at(1);
  times_.put("nvmet/subsystems/a");
  EXPECT_EQ(names("nvmet/subsystems"), 1);
  EXPECT_EQ(names("nvmet"), 0);
  EXPECT_EQ(names("nvmet/subsystems/a"), 1);
  EXPECT_EQ(names("nvmet/subsystems/a/hosts"), 1) << "it came with the subsystem";
  EXPECT_EQ(changed("nvmet/subsystems/a/attr_model"), 1);
  at(2);
  times_.put("nvmet/subsystems/a/hosts/h");
  EXPECT_EQ(names("nvmet/subsystems"), 1);
  EXPECT_EQ(names("nvmet/subsystems/a"), 1);
  EXPECT_EQ(names("nvmet/subsystems/a/hosts"), 2);
  EXPECT_EQ(changed("nvmet/subsystems/a/attr_model"), 1);
  EXPECT_EQ(changed("nvmet/subsystems/a/hosts/h/dhchap_key"), 2);
}

TEST_F(ChangeTimesTest, AChangeIsTheObjectsOwn) {
  at(1);
  times_.put("target/core/rd_mcp_1");
  times_.put("target/core/rd_mcp_1/disk");
  at(2);
  times_.put("target/core/rd_mcp_1/disk");
  EXPECT_EQ(names("target/core/rd_mcp_1"), 1);
  EXPECT_EQ(names("target/core/rd_mcp_1/disk"), 1);
  EXPECT_EQ(names("target/core/rd_mcp_1/disk/wwn"), 1);
  EXPECT_EQ(changed("target/core/rd_mcp_1/disk/enable"), 2);
  EXPECT_EQ(changed("target/core/rd_mcp_1/disk/wwn/vendor_id"), 2);
  EXPECT_EQ(changed("target/core/rd_mcp_1/hba_info"), 1);
}

TEST_F(ChangeTimesTest, WhatGoesTakesAllBelowItAlong) {
  at(1);
  times_.put("nvmet/subsystems/a");
  times_.put("nvmet/subsystems/a/hosts/h");
  times_.put("nvmet/subsystems/a-b");
  at(2);
  times_.erase("nvmet/subsystems/a");
  EXPECT_EQ(names("nvmet/subsystems"), 2);
  at(3);
  times_.erase("nvmet/subsystems/a");
  EXPECT_EQ(names("nvmet/subsystems"), 2) << "there was none any more";
  EXPECT_EQ(changed("nvmet/subsystems/a-b/attr_model"), 1);
  at(4);
  times_.put("nvmet/subsystems/a");
  EXPECT_EQ(names("nvmet/subsystems/a/hosts"), 4) << "nothing is left of its predecessor";
}

TEST_F(ChangeTimesTest, NamesWithoutRowsCanBeTouched) {
  at(1);
  times_.put("nvmet/subsystems/a");
  times_.put("nvmet/subsystems/a/ports/loop");
  at(2);
  times_.touch("nvmet/subsystems/a/ports/loop/ana_groups");
  EXPECT_EQ(names("nvmet/subsystems/a/ports/loop/ana_groups"), 2);
  EXPECT_EQ(names("nvmet/subsystems/a/ports/loop"), 1);
  EXPECT_EQ(names("nvmet/subsystems/a/ports/loop/ana_groups/1"), 1);
  EXPECT_EQ(changed("nvmet/subsystems/a/ports/loop/ana_groups/1/ana_state"), 1);
}

TEST_F(ChangeTimesTest, WhatIsKeptAtTheTopIsAlwaysThere) {
  at(1);
  times_.put("nvmet");
  EXPECT_EQ(changed("nvmet/discovery_nqn"), 1);
  EXPECT_EQ(names("nvmet"), 0);
  EXPECT_EQ(names("nvmet/subsystems"), 0);
  EXPECT_EQ(names(""), 0);
}

}  // namespace
}  // namespace weft::config
