#include "reactor/topology.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace weft::reactor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TopologyTest : public ::testing::Test {
 protected:
  TopologyTest() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_nodes_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    directory_ = name;
  }
  ~TopologyTest() override { std::filesystem::remove_all(directory_); }
  void put(const std::string& node, const std::string& list) const {
    std::filesystem::create_directory(directory_ / node);
    std::ofstream(directory_ / node / "cpulist") << list << '\n';
  }
  std::filesystem::path directory_;
};

TEST_F(TopologyTest, ReadsTheKernelsLists) {
  EXPECT_THAT(parse_cpu_list("0-3,8,10-11"), ElementsAre(0, 1, 2, 3, 8, 10, 11));
  EXPECT_THAT(parse_cpu_list("5\n"), ElementsAre(5));
  EXPECT_THAT(parse_cpu_list(""), IsEmpty());
  EXPECT_THAT(parse_cpu_list("1,x"), ElementsAre(1));
  EXPECT_THAT(parse_cpu_list("1-"), IsEmpty());
  EXPECT_THAT(parse_cpu_list("3-1"), IsEmpty());
  EXPECT_THAT(parse_cpu_list("0-4294967295"), IsEmpty());
}

TEST_F(TopologyTest, NodesHaveTheCpusThatMayBeUsed) {
  put("node0", "0-3");
  put("node2", "4-5");  // memory alone has no CPU
  put("node1", "");
  put("node10", "6-7");
  put("nodes", "0");
  const auto nodes = memory_nodes({1, 2, 4, 6, 7}, directory_);
  EXPECT_THAT(nodes, ElementsAre(ElementsAre(1, 2), ElementsAre(4), ElementsAre(6, 7)));
  EXPECT_THAT(memory_nodes({4}, directory_), ElementsAre(ElementsAre(4)));
  EXPECT_THAT(memory_nodes({0}, directory_ / "missing"), IsEmpty());
}

TEST_F(TopologyTest, ANodeGetsItsPartOfTheReactors) {
  const std::vector<Cpus> nodes{{0, 1, 2}, {3}};
  const auto on_nodes = [&](unsigned count) {
    std::vector<std::size_t> placed(nodes.size());
    for (unsigned i = 0; i < count; ++i) {
      const auto node = std::ranges::find(nodes, place_reactor(i, count, nodes));
      EXPECT_NE(node, nodes.end());
      if (node != nodes.end()) ++placed[static_cast<std::size_t>(node - nodes.begin())];
    }
    return placed;
  };
  EXPECT_THAT(on_nodes(1), ElementsAre(1, 0));
  EXPECT_THAT(on_nodes(4), ElementsAre(3, 1));
  EXPECT_THAT(on_nodes(8), ElementsAre(6, 2));
  EXPECT_THAT(place_reactor(1, 2, {{0, 1}, {2, 3}}), ElementsAre(2, 3));
}

TEST_F(TopologyTest, WithOneNodeTheyRunAnywhere) {
  EXPECT_THAT(place_reactor(1, 2, {{0, 1}}), IsEmpty());
  EXPECT_THAT(place_reactor(1, 2, {}), IsEmpty());
}

TEST_F(TopologyTest, KnowsThisProcess) {
  EXPECT_THAT(allowed_cpus(), ::testing::Contains(static_cast<unsigned>(::sched_getcpu())));
}

}  // namespace
}  // namespace weft::reactor
