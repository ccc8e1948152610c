#include "backends/blockdev/uevents.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <string>
#include <thread>

namespace weft::backends {
namespace {

std::string message(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const auto word : words) (text += word) += '\0';
  return text;
}

TEST(Uevents, KnowsTheDeviceThatChanged) {
  const auto good =
      message({"change@/devices/virtual/block/loop3", "ACTION=change", "DEVPATH=/devices/virtual/block/loop3",
               "SUBSYSTEM=block", "RESIZE=1", "MAJOR=7", "MINOR=3", "DEVNAME=loop3", "SEQNUM=4711"});
  EXPECT_EQ(changed_device(good), makedev(7, 3));
  EXPECT_EQ(changed_device(good.substr(0, good.size() - 1)), makedev(7, 3)) << "without the last zero";
  const std::string others[] = {
      "",
      std::string(1, '\0'),
      "ACTION=change",
      message({"ACTION=add", "SUBSYSTEM=block", "MAJOR=7", "MINOR=3"}),
      message({"ACTION=change", "SUBSYSTEM=net", "MAJOR=7", "MINOR=3"}),
      message({"ACTION=change", "SUBSYSTEM=block", "MAJOR=7"}),
      message({"ACTION=change", "SUBSYSTEM=block", "MAJOR=x", "MINOR=3"}),
      message({"ACTION=change", "SUBSYSTEM=block", "MAJOR=", "MINOR=-3"}),
      good.substr(0, 40),
  };
  for (const auto& each : others) EXPECT_EQ(changed_device(each), std::nullopt) << each;
}

TEST(Uevents, EndWithTheirOwner) {
  for (int i = 0; i < 20; ++i) {
    auto events = std::make_unique<Uevents>();
    auto watch = events->watch(makedev(7, 3), [] {});
    auto other = events->watch(makedev(7, 4), [] {});
    other = {};
    if (i % 2 == 0) watch = {};
    events.reset();  // before the watch, or after it
  }
}

}  // namespace
}  // namespace weft::backends
