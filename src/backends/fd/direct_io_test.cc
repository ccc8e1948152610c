#include "backends/fd/direct_io.h"

#include <gmock/gmock.h>

namespace weft::backends {
namespace {

using testing::HasSubstr;

TEST(DirectIo, ChoosesTheSmallestBlockThatIsAllowed) {
  const struct {
    const char* chosen;  // empty: not
    std::uint32_t least, block_bytes;
    const char* message;  // empty: block_bytes is the answer
  } rows[] = {
      {"", 1, 512, ""},
      {"", 512, 512, ""},
      {"", 1024, 4096, ""},
      {"", 4096, 4096, ""},
      {"512", 512, 512, ""},
      {"4096", 512, 4096, ""},
      {"4096", 2048, 4096, ""},
      {"4096", 4096, 4096, ""},
      {"512", 513, 0,
       "block_size=512: direct I/O on X takes blocks of at least 513 bytes; give block_size=4096"},
      {"512", 4096, 0, "at least 4096 bytes"},
      {"", 8192, 0, "at least 8192 bytes; larger ones than 4096 are not supported"},
      {"4096", 65536, 0, "larger ones than 4096 are not supported"},
      {"1024", 512, 0, "give 512 or 4096"},
      {"0", 512, 0, "give 512 or 4096"},
  };
  for (const auto& row : rows) {
    block::OpenOptions options{"fileio_0/disk", {}, {}};
    if (*row.chosen != 0) options.control["block_size"] = row.chosen;
    const auto chosen = choose_block_bytes(options, row.least, "direct I/O on X");
    if (*row.message == 0) {
      ASSERT_TRUE(chosen) << chosen.error().message;
      EXPECT_EQ(*chosen, row.block_bytes) << row.chosen << " of " << row.least;
      continue;
    }
    ASSERT_FALSE(chosen) << row.message;
    EXPECT_EQ(chosen.error().code, EINVAL);
    EXPECT_THAT(chosen.error().message, HasSubstr(row.message));
    EXPECT_THAT(chosen.error().message, HasSubstr("fileio_0/disk: "));
  }
}

}  // namespace
}  // namespace weft::backends
