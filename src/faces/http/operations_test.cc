#include "faces/http/operations.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>

namespace weft::faces {

namespace {

using namespace std::chrono_literals;

std::shared_ptr<Operations::Operation> begin(Operations& operations) {
  auto begun = operations.begin("PUT /x", true);
  EXPECT_TRUE(begun);
  return *begun;
}

TEST(Operations, AnsweredInTimeIsForgotten) {
  Operations operations;
  const auto one = begin(operations);
  one->finish({.status = 204});
  EXPECT_EQ(operations.await(one, 0ms).status, 204);
  EXPECT_TRUE(operations.list().body["operations"].empty());
}

TEST(Operations, ChangesAtOnceAreBounded) {
  Operations operations({.going_on = 2});
  const auto one = begin(operations);
  auto two = begin(operations);
  const auto refused = operations.begin("PUT /x", true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EAGAIN);
  EXPECT_TRUE(operations.begin("GET /x", false)) << "looking is always possible";
  one->finish({});
  EXPECT_TRUE(operations.begin("PUT /x", true));
  two.reset();  // dropped without an answer
  EXPECT_TRUE(operations.begin("PUT /x", true));
}

TEST(Operations, FinishedOnesAreDroppedFirst) {
  Operations operations({.finished = 2});
  std::vector<std::shared_ptr<Operations::Operation>> all;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    all.push_back(begin(operations));
    const Reply accepted = operations.await(all.back(), 0ms);
    EXPECT_EQ(accepted.status, 202);
    ids.push_back(accepted.body["id"]);
  }
  for (int i = 1; i < 5; ++i) all[static_cast<std::size_t>(i)]->finish({.status = 204});
  EXPECT_EQ(operations.find(ids[0]).body["done"], false) << "the oldest, and it goes on";
  EXPECT_EQ(operations.find(ids[1]).status, 404);
  EXPECT_EQ(operations.find(ids[2]).status, 404);
  EXPECT_EQ(operations.find(ids[3]).body["status"], 204);
  EXPECT_EQ(operations.find(ids[4]).body["status"], 204);
  EXPECT_EQ(operations.list().body["operations"].size(), 3u);
}

TEST(Operations, FinishedOnesAreRememberedForAWhile) {
  Operations operations({.memory = 0ms});
  const auto one = begin(operations);
  const std::string id = operations.await(one, 0ms).body["id"];
  EXPECT_EQ(operations.find(id).body["done"], false);
  one->finish({});
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (operations.find(id).status != 404) ASSERT_LT(std::chrono::steady_clock::now(), end);
}

}  // namespace

}  // namespace weft::faces
