#include "config/port_name.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace weft::config {
namespace {

TEST(PortName, ReadsBackAsItWasWritten) {
  const struct {
    std::string text;
    PortName name;
  } cases[] = {
      {"tcp:10.0.0.5:4420", {"tcp", "10.0.0.5", "4420"}},
      {"tcp:[::1]:4420", {"tcp", "::1", "4420"}},
      {"tcp:[fe80::1%eth0]:4420", {"tcp", "fe80::1%eth0", "4420"}},
      {"rdma:[2001:db8::1]:4420", {"rdma", "2001:db8::1", "4420"}},
      {"loop", {"loop", "", ""}},
      {"pcie:vm1", {"pcie", "vm1", ""}},
      {"tcp:" + std::string(256, 'a') + ":" + std::string(32, '1'),
       {"tcp", std::string(256, 'a'), std::string(32, '1')}},
  };
  for (const auto& each : cases) {
    const auto parsed = PortName::parse(each.text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, each.name);
    EXPECT_EQ(parsed->text(), each.text);
  }
}

TEST(PortName, RefusesEverythingElse) {
  for (const std::string& text : {std::string(),
                                  std::string("tcp"),
                                  std::string("tcp:"),
                                  std::string("pcie"),
                                  std::string("pcie:"),
                                  std::string("pcie:a:b"),
                                  std::string("loop:"),
                                  std::string(":1.2.3.4:1"),
                                  std::string("tcp:1.2.3.4"),
                                  std::string("tcp:1.2.3.4:"),
                                  std::string("tcp::1"),
                                  std::string("tcp:::1:4420"),
                                  std::string("tcp:[::1]"),
                                  std::string("tcp:[::1]:"),
                                  std::string("tcp:[]:1"),
                                  std::string("tcp:[1.2.3.4]:1"),
                                  std::string("tcp:[::1:1"),
                                  std::string("tcp:[[::1]]:1"),
                                  std::string("tcp:a b:1"),
                                  std::string("tcp:a/b:1"),
                                  std::string("t p:a:1"),
                                  std::string("tcp:a:1\n"),
                                  std::string("tcp:\xFF:1"),
                                  "tcp:" + std::string(257, 'a') + ":1",
                                  "tcp:a:" + std::string(33, '1'),
                                  std::string(17, 't') + ":a:1"}) {
    const auto parsed = PortName::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, EINVAL);
    EXPECT_NE(parsed.error().message.find(" must be "), std::string::npos) << parsed.error().message;
  }
}

TEST(PortName, AddressesHaveBracketsWhenTheyHaveColons) {
  EXPECT_EQ(address_text("1.2.3.4", "5"), "1.2.3.4:5");
  EXPECT_EQ(address_text("::1", "5"), "[::1]:5");
  const auto parsed = parse_address("[2001:db8::1]:8009");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->traddr, "2001:db8::1");
  EXPECT_EQ(parsed->trsvcid, "8009");
}

}  // namespace
}  // namespace weft::config
