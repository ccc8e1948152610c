#include "e2e/syscall_trace.h"

#include <gtest/gtest.h>

namespace weft::e2e {
namespace {

TEST(SyscallTrace, ReadsWhatStraceWrites) {
  const auto calls = parse_trace(
      "100   1000.500000 fdatasync(9</disk (old)>) = 0 <0.250000>\n"
      "101   1001.000000 fdatasync(9</disk> <unfinished ...>\n"
      "102   1001.100000 pwritev2(9</disk>, [{iov_base=\"x) = 1\"..., iov_len=512}], 1, 0, RWF_DSYNC) = 512 "
      "<0.1>\n"
      "101   1001.500000 <... fdatasync resumed>) = -1 EIO (Input/output error) <0.500000>\n"
      "103   1002.000000 <... fdatasync resumed>) = 0 <0.5>\n"
      "100   1002.000000 --- SIGTERM {si_signo=SIGTERM} ---\n"
      "100   1003.000000 +++ exited with 0 +++\n"
      "garbage\n"
      "104   1004.000000 fdatasync(9</disk> <unfinished ...>\n");
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].name, "fdatasync");
  EXPECT_DOUBLE_EQ(calls[0].begin, 1000.5);
  EXPECT_DOUBLE_EQ(calls[0].end, 1000.75);
  EXPECT_TRUE(calls[0].ok);
  EXPECT_EQ(calls[1].name, "pwritev2");
  EXPECT_TRUE(calls[1].ok);
  EXPECT_NE(calls[1].text.find("RWF_DSYNC"), std::string::npos);
  EXPECT_EQ(calls[2].name, "fdatasync");
  EXPECT_DOUBLE_EQ(calls[2].begin, 1001.0);
  EXPECT_DOUBLE_EQ(calls[2].end, 1001.5);
  EXPECT_FALSE(calls[2].ok);
}

}  // namespace
}  // namespace weft::e2e
