#include "reactor/kernel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>

namespace weft::reactor {
namespace {

TEST(Kernel, ReadsReleases) {
  struct Case {
    const char* release;
    std::optional<KernelVersion> version;
  };
  const Case cases[] = {
      {"6.1.0-18-amd64", KernelVersion{6, 1}},
      {"6.1", KernelVersion{6, 1}},
      {"5.15.153.1-microsoft-standard-WSL2", KernelVersion{5, 15}},
      {"10.0-rc1", KernelVersion{10, 0}},
      {"6", std::nullopt},
      {"6.", std::nullopt},
      {"", std::nullopt},
      {".1", std::nullopt},
      {"linux", std::nullopt},
      {"99999999999.1", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_kernel_release(c.release), c.version) << c.release;
}

TEST(Kernel, RefusesOldOnes) {
  EXPECT_TRUE(check_kernel_release("6.1.0"));
  EXPECT_TRUE(check_kernel_release("7.0.0"));
  for (const char* release : {"6.0.19", "5.15.0", "strange"}) {
    const auto result = check_kernel_release(release);
    ASSERT_FALSE(result) << release;
    EXPECT_EQ(result.error().code, ENOSYS);
    EXPECT_NE(result.error().message.find(release), std::string::npos);
    EXPECT_NE(result.error().message.find("6.1"), std::string::npos);
  }
}

TEST(Kernel, TellsWhyThereIsNoRing) {
  struct Case {
    int error;
    const char* sysctl;
    const char* says;
  };
  const Case cases[] = {
      {EPERM, "2", "kernel.io_uring_disabled is 2"},
      {EPERM, "1", "kernel.io_uring_group"},
      {EPERM, "0", "seccomp"},
      {EPERM, "", "seccomp"},
      {ENOSYS, "", "CONFIG_IO_URING"},
      {EMFILE, "0", "LimitNOFILE"},
      {ENOMEM, "0", "LimitMEMLOCK"},
      {EIO, "0", "Input/output error"},
  };
  for (const Case& c : cases) {
    const Error error = explain_ring_refusal(c.error, c.sysctl);
    EXPECT_EQ(error.code, c.error);
    EXPECT_NE(error.message.find(c.says), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
  }
}

TEST(Kernel, WarnsOfLowLimits) {
  const Limits enough{kWantedOpenFiles, kWantedOpenFiles, kWantedLockedBytes};
  EXPECT_TRUE(limit_warnings(enough).empty());
  Limits few_files = enough;
  few_files.open_files_soft = kWantedOpenFiles - 1;
  ASSERT_EQ(limit_warnings(few_files).size(), 1u);
  EXPECT_NE(limit_warnings(few_files)[0].find("65535"), std::string::npos);
  Limits little_locked = enough;
  little_locked.locked_bytes = kWantedLockedBytes - 1;
  ASSERT_EQ(limit_warnings(little_locked).size(), 1u);
  EXPECT_NE(limit_warnings(little_locked)[0].find("8388607"), std::string::npos);
}

TEST(Kernel, HalfOfTheLockedMemoryIsLeftToOthers) {
  EXPECT_EQ(holdable_bytes(8 << 20, false), 4u << 20);
  EXPECT_EQ(holdable_bytes(0, false), 0u);
  EXPECT_GT(holdable_bytes(8 << 20, true), std::uint64_t{1} << 62);
  EXPECT_GT(holdable_bytes(RLIM_INFINITY, false), std::uint64_t{1} << 62);
}

}  // namespace
}  // namespace weft::reactor
