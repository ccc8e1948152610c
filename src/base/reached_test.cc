#include "base/reached.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/test_full_disk.h"

namespace weft {
namespace {

// Marks of this file do not count: scripts/coverage takes no test's.
int sign_of(int number) {
  if (number >= 0) return 1;
  WEFT_REACHED("test.negative");
  return -1;
}

#ifdef WEFT_COVERAGE

// With a directory of their own, so that a test sees its own alone.
class Marks : public testing::Test {
 protected:
  Marks() {
    if (const char* const before = std::getenv(kVariable)) before_ = before;
    std::string pattern = testing::TempDir() + "weft-reached-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    ::setenv(kVariable, pattern.c_str(), 1);
  }
  ~Marks() override {
    ::unsetenv(kVariable);
    if (!before_.empty()) ::setenv(kVariable, before_.c_str(), 1);
    std::filesystem::remove_all(directory_);
  }
  std::set<std::string> reached() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      names.insert(entry.path().filename());
    return names;
  }

  static constexpr const char* kVariable = "WEFT_MARKS_DIR";
  std::string before_;
  std::filesystem::path directory_;
};

TEST_F(Marks, AreToldWhoeverComesByAndOnce) {
  EXPECT_EQ(sign_of(5), 1);
  EXPECT_TRUE(reached().empty());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([] { EXPECT_EQ(sign_of(-5), -1); });
  threads.clear();
  EXPECT_EQ(reached(), std::set<std::string>{"test.negative"});
  std::filesystem::remove(directory_ / "test.negative");
  EXPECT_EQ(sign_of(-5), -1);
  EXPECT_TRUE(reached().empty());
}

TEST_F(Marks, AreToldByWhoCanWriteNothing) {
  const FullDisk full(0);
  WEFT_REACHED("test.full_disk");
  EXPECT_EQ(reached(), std::set<std::string>{"test.full_disk"});
}

TEST_F(Marks, GoNowhereWhereNobodyAsks) {
  ::setenv(kVariable, "/nonexistent", 1);
  WEFT_REACHED("test.nonexistent");
  ::unsetenv(kVariable);
  WEFT_REACHED("test.nobody");
  EXPECT_TRUE(reached().empty());
}

#else

TEST(Marks, AreNothingInOrdinaryBuilds) {
  EXPECT_EQ(sign_of(5), 1);
  EXPECT_EQ(sign_of(-5), -1);
  static_assert(noexcept(WEFT_REACHED("test.nothing")));
}

#endif

}  // namespace
}  // namespace weft
