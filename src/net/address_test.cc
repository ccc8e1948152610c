#include "net/address.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include <cerrno>

namespace weft::net {
namespace {

TEST(Address, ParsesAndPrintsCanonically) {
  struct Case {
    const char* text;
    const char* canonical;
    bool any;
    bool loopback;
  };
  const Case cases[] = {
      {"127.0.0.1:4420", "127.0.0.1:4420", false, true},
      {"127.255.0.9:1", "127.255.0.9:1", false, true},
      {"0.0.0.0:0", "0.0.0.0:0", true, false},
      {"192.0.2.255:65535", "192.0.2.255:65535", false, false},
      {"[::]:4420", "[::]:4420", true, false},
      {"[::1]:8009", "[::1]:8009", false, true},
      {"[2001:DB8:0:0:0:0:0:1]:4420", "[2001:db8::1]:4420", false, false},
      {"[2001:db8::0:1]:04420", "[2001:db8::1]:4420", false, false},
      {"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]:1", false, false},
  };
  for (const Case& c : cases) {
    const auto address = Address::parse_with_port(c.text);
    ASSERT_TRUE(address) << c.text << ": " << address.error().message;
    EXPECT_EQ(address->text(), c.canonical);
    EXPECT_EQ(address->is_any(), c.any) << c.text;
    EXPECT_EQ(address->is_loopback(), c.loopback) << c.text;
    EXPECT_EQ(Address::parse_with_port(address->text()).value(), *address);
    EXPECT_EQ(Address::parse(address->host_text(), address->port).value(), *address);
  }
}

TEST(Address, RefusesWhatIsNotOne) {
  const char* const texts[] = {"",
                               ":",
                               "127.0.0.1",
                               "127.0.0.1:",
                               "127.0.0.1:65536",
                               "1.2.3:1",
                               "1.2.3.4.5:1",
                               "256.0.0.1:1",
                               "localhost:4420",
                               "[127.0.0.1]:1",
                               "::1:4420",
                               "[::1]",
                               "[::1]4420",
                               "[::1:4420",
                               "[::1]:x",
                               "[::1]:-1",
                               "[::1]: 1",
                               "[::g]:1",
                               "127.0.0.1:0x10",
                               "[::1%lo]:1",
                               "01.2.3.4:1",
                               "1.2.3.4%lo:1",
                               "[fe80::1]:1",
                               "[fe80::1%nosuch0]:1"};
  for (const char* text : texts) {
    const auto address = Address::parse_with_port(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, EINVAL);
    EXPECT_EQ(address.error().message.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(Address::parse(std::string_view("127.0.0.1\0x", 11), 1));
}

TEST(Address, ALinkLocalOneNamesItsInterface) {
  const auto index = ::if_nametoindex("lo");
  ASSERT_NE(index, 0u) << "this machine has no interface called lo";
  const auto address = Address::parse("fe80::1%lo", 4420);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->scope, index);
  EXPECT_EQ(address->text(), "[fe80::1%lo]:4420");
  EXPECT_EQ(Address::parse("fe80::1%" + std::to_string(index), 4420).value(), *address);
}

}  // namespace
}  // namespace weft::net
