#include "backends/fd/open_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <vector>

namespace weft::backends {
namespace {

TEST(OpenFiles, TheReserveIsAQuarterAndBounded) {
  EXPECT_EQ(reserved_descriptors(0), 0u);
  EXPECT_EQ(reserved_descriptors(256), 64u);
  EXPECT_EQ(reserved_descriptors(1024), 256u);
  EXPECT_EQ(reserved_descriptors(4096), 1024u);
  EXPECT_EQ(reserved_descriptors(1 << 20), 1024u);
  EXPECT_EQ(reserved_descriptors(RLIM_INFINITY), 1024u);
}

TEST(OpenFiles, TheReserveIsLeftToOthers) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  constexpr rlim_t kLimit = 256;
  const rlimit low{kLimit, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  {
    std::vector<UniqueFd> open;
    open.reserve(kLimit);
    while (open.size() < kLimit) {
      UniqueFd fd = open_within_limit("/dev/null", O_RDONLY | O_CLOEXEC);
      if (!fd.is_open()) break;
      open.push_back(std::move(fd));
    }
    EXPECT_EQ(errno, EMFILE);
    EXPECT_GT(open.size(), kLimit / 2);
    EXPECT_LE(open.size(), kLimit - reserved_descriptors(kLimit));
    open.pop_back();
    const UniqueFd others[] = {UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
                               UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))};
    EXPECT_TRUE(others[0].is_open());
    EXPECT_TRUE(others[1].is_open());
    EXPECT_FALSE(open_within_limit("/dev/null", O_RDONLY | O_CLOEXEC).is_open()) << "its place is taken";
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(open_within_limit("/dev/null", O_RDONLY | O_CLOEXEC).is_open());
}

TEST(OpenFiles, ErrorsAreSaidAsTheyAre) {
  EXPECT_FALSE(open_within_limit("/no/such/file", O_RDONLY | O_CLOEXEC).is_open());
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(open_error_text(ENOENT), "No such file or directory");
  EXPECT_NE(open_error_text(EMFILE).find("LimitNOFILE="), std::string::npos);
}

}  // namespace
}  // namespace weft::backends
