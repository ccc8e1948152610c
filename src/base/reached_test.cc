#include "base/reached.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace weft {
namespace {

// Marks of this file do not count: scripts/coverage takes no test's.
int sign_of(int number) {
  if (number >= 0) return 1;
  WEFT_REACHED("test.negative");
  return -1;
}

#ifdef WEFT_COVERAGE

// Where marks go while it lives.
class MarksFile {
 public:
  explicit MarksFile(const std::string& path) {
    if (const char* const before = std::getenv(kVariable)) before_ = before;
    ::setenv(kVariable, path.c_str(), 1);
  }
  MarksFile(const MarksFile&) = delete;
  MarksFile& operator=(const MarksFile&) = delete;
  ~MarksFile() {
    if (before_.empty()) {
      ::unsetenv(kVariable);
    } else {
      ::setenv(kVariable, before_.c_str(), 1);
    }
  }

 private:
  static constexpr const char* kVariable = "WEFT_MARKS_FILE";
  std::string before_;
};

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(Reached, AMarkIsToldOnceHoweverManyComeBy) {
  const std::string path = testing::TempDir() + "weft_reached_test_once";
  std::remove(path.c_str());
  const MarksFile there(path);
  EXPECT_EQ(sign_of(5), 1);
  EXPECT_TRUE(lines_of(path).empty());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([] { EXPECT_EQ(sign_of(-5), -1); });
  threads.clear();
  EXPECT_EQ(lines_of(path), std::vector<std::string>{"test.negative"});
  std::remove(path.c_str());
}

TEST(Reached, WhereNobodyAsksOrNothingCanBeWrittenNothingHappens) {
  const MarksFile nowhere("/nonexistent/marks");
  WEFT_REACHED("test.nowhere");
  ::unsetenv("WEFT_MARKS_FILE");
  WEFT_REACHED("test.nobody");
}

#else

TEST(Reached, InOrdinaryBuildsAMarkIsNothing) {
  EXPECT_EQ(sign_of(5), 1);
  EXPECT_EQ(sign_of(-5), -1);
  static_assert(noexcept(WEFT_REACHED("test.nothing")));
}

#endif

}  // namespace
}  // namespace weft
