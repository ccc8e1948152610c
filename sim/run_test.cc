#include "sim/run.h"

#include <gtest/gtest.h>

namespace weft::sim {
namespace {

constexpr const char* kText = R"(
hosts 2
reactors 2
host_loops 2
queues 2
depth 4
commands 60
blocks 24
digests random
latency 20us 2ms
disk 10us 3ms
fault reset every 15ms
fault cut every 60ms for 20ms
fault stuck every 60ms for 20ms
fault pause every 60ms for 20ms
)";

Scenario scenario(const std::string& more = {}) {
  auto read = parse_scenario("test", kText + more);
  EXPECT_TRUE(read) << read.error().message;
  return *read;
}

TEST(Run, TheSameSeedGivesTheSameRun) {
  const Scenario what = scenario();
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Report first = run(what, seed);
    EXPECT_EQ(first.violation, "") << seed;
    EXPECT_EQ(run(what, seed).hash, first.hash) << seed;
    EXPECT_NE(run(what, seed + 1000).hash, first.hash) << seed;
  }
}

// Threads, files and a database take part.
TEST(Run, TheSameSeedGivesTheSameRunOfAConfiguration) {
  const Scenario what = scenario(
      "administrators 2\nchanges 40\nfault kill every 100ms for 20ms\n"
      "fault power every 100ms for 20ms\nfault full every 100ms for 30ms\n");
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Report first = run(what, seed);
    EXPECT_EQ(first.violation, "") << seed;
    EXPECT_EQ(run(what, seed).hash, first.hash) << seed;
  }
}

TEST(Run, FindsADiskThatLosesWrites) {
  Scenario what = scenario();
  what.disk.loses_one_in = 10;
  unsigned found = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) found += !run(what, seed).violation.empty();
  EXPECT_GE(found, 6u);
}

TEST(Run, WhereNothingIsBrokenNothingFails) {
  Scenario what = scenario();
  what.faults.clear();
  EXPECT_EQ(run(what, 1).violation, "");
  what.disk.least = what.disk.most = std::chrono::seconds(40);  // longer than hosts wait
  const Report report = run(what, 1);
  EXPECT_NE(report.violation.find("nothing was broken, but"), std::string::npos) << report.violation;
}

TEST(Scenario, SaysWhichLineIsWrong) {
  for (const char* const wrong :
       {"hosts 0", "hosts", "hosts many", "fault reset", "fault cut every 10ms", "tea 3", "latency 3ms 1ms",
        "latency 3 4", "digests some", "fault fire every 3ms", "fault reset every 0ms", "cache warm",
        "transport pigeon", "fault kill every 3ms", "fault grow every 3ms for 2ms"}) {
    const auto read = parse_scenario("odd", std::string("hosts 1\n") + wrong + "\n");
    ASSERT_FALSE(read) << wrong;
    EXPECT_NE(read.error().message.find(std::string("odd, line 2: \"") + wrong), std::string::npos)
        << read.error().message;
  }
  EXPECT_FALSE(parse_scenario("odd", "blocks 4\nlargest 5\n"));
  EXPECT_FALSE(parse_scenario("odd", "fault damage every 3ms\n")) << "nobody would notice";
  EXPECT_TRUE(parse_scenario("good", "digests both\nfault damage every 3ms\n"));
  EXPECT_FALSE(parse_scenario("odd", "transport loop\nfault cut every 3ms for 1ms\n"));
  EXPECT_FALSE(parse_scenario("odd", "paths 2\nfault detach every 3ms for 1ms\n"));
  EXPECT_FALSE(parse_scenario("odd", "fault unlist every 3ms for 1ms\n"));
  EXPECT_FALSE(parse_scenario("odd", "administrators 1\nfault detach every 3ms for 1ms\n"));
  EXPECT_TRUE(parse_scenario("good", "administrators 1\nfault unlist every 3ms for 1ms\n"));
  EXPECT_FALSE(parse_scenario("odd", "counters 2\ncache volatile\n"));
  EXPECT_FALSE(parse_scenario("odd", "blocks 9\nlargest 8\ncounters 2\n"));
  EXPECT_TRUE(parse_scenario("good", "# nothing\n\nhosts 2  # two\n"));
}

}  // namespace
}  // namespace weft::sim
