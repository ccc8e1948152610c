#include "wire/identify.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "wire/log_page.h"

namespace weft::wire {
namespace {

TEST(NamespaceIdWriter, WritesDescriptorsInOrder) {
  std::array<std::byte, kIdentifySize> page{};
  NamespaceIdWriter writer(page);
  const std::array<std::uint8_t, 16> uuid{1, 2, 3};
  const std::array<std::uint8_t, 8> eui64{9};
  EXPECT_TRUE(writer.add_uuid(uuid));
  EXPECT_TRUE(writer.add_eui64(eui64));
  EXPECT_TRUE(writer.add_csi(CommandSet::zoned));
  EXPECT_EQ(writer.used(), 20u + 12u + 5u);
  EXPECT_EQ(page[0], std::byte{3});
  EXPECT_EQ(page[1], std::byte{16});
  EXPECT_EQ(page[4], std::byte{1});
  EXPECT_EQ(page[20], std::byte{1});
  EXPECT_EQ(page[21], std::byte{8});
  EXPECT_EQ(page[24], std::byte{9});
  EXPECT_EQ(page[32], std::byte{4});
  EXPECT_EQ(page[36], std::byte{2});
  EXPECT_EQ(page[38], std::byte{0});  // NIDL 0 ends the list
}

TEST(NamespaceIdWriter, AFullPageTakesNoMore) {
  std::array<std::byte, kIdentifySize> page{};
  NamespaceIdWriter writer(page);
  const std::array<std::uint8_t, 16> nguid{};
  for (std::size_t i = 0; i < kIdentifySize / 20; ++i) ASSERT_TRUE(writer.add_nguid(nguid));
  EXPECT_EQ(writer.used(), 4080u);
  EXPECT_FALSE(writer.add_nguid(nguid));
  EXPECT_EQ(writer.used(), 4080u);
  const std::array<std::uint8_t, 8> eui64{};
  EXPECT_TRUE(writer.add_eui64(eui64));
  EXPECT_FALSE(writer.add_csi(CommandSet::nvm));
}

TEST(Names, OfIdentifyAndLogs) {
  EXPECT_EQ(name(IdentifyCns::controller), "Controller");
  EXPECT_EQ(name(static_cast<IdentifyCns>(0xFF)), "Unknown");
  EXPECT_EQ(name(LogId::discovery), "Discovery");
  EXPECT_EQ(name(static_cast<LogId>(0xFF)), "Unknown");
  EXPECT_EQ(name(AnaState::non_optimized), "non-optimized");
  EXPECT_EQ(name(static_cast<AnaState>(0)), "Unknown");
}

}  // namespace
}  // namespace weft::wire
