#include "config/names.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace weft::config {
namespace {

TEST(LinkedName, IsTheTailWhateverStandsBeforeIt) {
  for (const char* target :
       {"hosts/h", "/sys/kernel/config/nvmet/hosts/h", "../../../hosts/h", "hosts/h//", "/hosts/h"})
    EXPECT_EQ(*linked_name(target, "hosts"), "h") << target;
  EXPECT_EQ(*linked_name("/a/hosts/hosts", "hosts"), "hosts");
  for (const char* target :
       {"", "/", "h", "hosts", "hosts/", "/hosts//", "ghosts/h", "/a/ghosts/h", "hosts/h/i"})
    EXPECT_EQ(linked_name(target, "hosts").error().code, EINVAL) << target;
}

}  // namespace
}  // namespace weft::config
