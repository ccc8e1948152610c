// Dice, slab, attribute rows and results: one or two checks each.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "base/attribute.h"
#include "base/check.h"
#include "base/dice.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/slab.h"
#include "base/text.h"

namespace weft {
namespace {

TEST(Dice, SameSeedSameNumbers) {
  Dice first(7);
  Dice again(7);
  Dice other(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto number = first.next();
    EXPECT_EQ(number, again.next());
    differs = differs || number != other.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Dice, SeedZeroWorksToo) {
  Dice dice(0);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(dice.next());
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Dice, BelowReachesEachFaceAndNoOther) {
  Dice dice(1);
  std::array<int, 6> faces{};
  for (int i = 0; i < 6000; ++i) {
    const auto face = dice.below(6);
    ASSERT_LT(face, 6u);
    ++faces[face];
  }
  for (const int count : faces) EXPECT_NEAR(count, 1000, 200);
  EXPECT_EQ(dice.below(1), 0u);
  EXPECT_TRUE(dice.one_in(1));
}

struct Counted {
  explicit Counted(int& alive) : alive_(alive) { ++alive_; }
  ~Counted() { --alive_; }
  int& alive_;
};

TEST(Slab, BuildsAndDestroysAndTakesTheSameMemoryAgain) {
  int alive = 0;
  Slab<Counted, 4> slab;
  Counted& first = slab.take(alive);
  const void* place = &first;
  EXPECT_EQ(alive, 1);
  slab.give_back(first);
  EXPECT_EQ(alive, 0);
  Counted& again = slab.take(alive);
  EXPECT_EQ(&again, place);
  slab.give_back(again);
}

TEST(Slab, GrowsByChunksAndObjectsAreApart) {
  Slab<std::uint64_t, 4> slab;
  std::set<std::uint64_t*> places;
  for (std::uint64_t i = 0; i < 9; ++i) places.insert(&slab.take(i));
  EXPECT_EQ(places.size(), 9u);
  EXPECT_EQ(slab.taken(), 9u);
  std::set<std::uint64_t> values;
  for (auto* place : places) values.insert(*place);
  EXPECT_EQ(values.size(), 9u);
  for (auto* place : places) slab.give_back(*place);
  EXPECT_EQ(slab.taken(), 0u);
}

struct alignas(64) Wide {
  std::byte bytes[64];
};

TEST(Slab, KeepsTheAlignment) {
  Slab<Wide, 3> slab;
  Wide& first = slab.take();
  Wide& second = slab.take();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&first) % alignof(Wide), 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&second) % alignof(Wide), 0u);
  slab.give_back(first);
  slab.give_back(second);
}

TEST(SlabDeathTest, OutlivedByAnObjectIsOurMistake) {
  EXPECT_DEATH(
      {
        Slab<int> slab;
        slab.take(1);
      },
      "do not outlive");
}

struct Lamp {
  bool on = false;
};

constexpr AttributeRow<Lamp> kLampRows[] = {
    {"watts", "power in watts", Mutability::read_only, [](const Lamp&) { return std::string("5"); }, nullptr},
    {"on", "0 or 1; default 0", Mutability::live,
     [](const Lamp& lamp) { return std::string(lamp.on ? "1" : "0"); },
     [](Lamp& lamp, std::string_view value) -> Result<> {
       const auto on = parse_bool(value);
       if (!on) return fail(EINVAL, "on: \"" + std::string(value) + "\" is neither 0 nor 1");
       lamp.on = *on;
       return {};
     }},
};

TEST(AttributeRow, IsFoundShownAndStored) {
  const std::span<const AttributeRow<Lamp>> rows(kLampRows);
  EXPECT_EQ(find_attribute(rows, "off"), nullptr);
  EXPECT_EQ(find_attribute(rows, ""), nullptr);
  const auto* row = find_attribute(rows, "on");
  ASSERT_NE(row, nullptr);
  Lamp lamp;
  EXPECT_TRUE(row->store(lamp, "1").has_value());
  EXPECT_EQ(row->show(lamp), "1");
  const auto refused = row->store(lamp, "yes");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, EINVAL);
  EXPECT_EQ(row->show(lamp), "1");
  EXPECT_EQ(find_attribute(rows, "watts")->store, nullptr);
}

TEST(Result, AnErrnoIsSaidInWords) {
  const Result<int> result = fail_errno(ENOENT, "disk.img");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ENOENT);
  EXPECT_EQ(result.error().message, "disk.img: No such file or directory");
}

TEST(StrongId, ComparesByValue) {
  EXPECT_EQ(Nsid{1}, Nsid{1});
  EXPECT_LT(Nsid{1}, Nsid{2});
  EXPECT_EQ(Nsid{}.value(), 0u);
  EXPECT_EQ(std::hash<Cntlid>()(Cntlid{5}), std::hash<std::uint16_t>()(5));
}

TEST(CheckDeathTest, NamesTheConditionAndTheReason) {
  const int apples = 2;
  WEFT_CHECK(apples == 2);
  EXPECT_DEATH(WEFT_CHECK(apples == 3, "three were bought"),
               "apples == 3 .*small_test.cc.*three were bought");
}

}  // namespace
}  // namespace weft
