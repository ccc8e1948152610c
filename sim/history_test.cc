#include "sim/history.h"

#include <gtest/gtest.h>

namespace weft::sim {
namespace {

using Outcome = History::Outcome;

class HistoryTest : public ::testing::Test {
 protected:
  static Time at(int ms) { return Time(std::chrono::seconds(1) + std::chrono::milliseconds(ms)); }
  History::Id write(int begin, int end, Outcome outcome = Outcome::done, unsigned host = 0,
                    bool durable = false) {
    const auto id = history_.begin_write(host, 0, 1, at(begin));
    history_.end_write(id, outcome, durable, at(end));
    return id;
  }
  bool fits(History::Id id, int begin, int end) {
    std::vector<std::byte> block(History::kBlockBytes);
    History::stamp(block, id, 0);
    return !history_.check_read(0, block, at(begin), at(end));
  }
  History history_{2};
};

TEST_F(HistoryTest, ReadsReturnTheLastWrite) {
  EXPECT_TRUE(fits(0, 0, 1)) << "zeroes at first";
  const auto first = write(2, 3);
  EXPECT_FALSE(fits(0, 4, 5));
  EXPECT_TRUE(fits(first, 4, 5));
  const auto second = write(6, 7);
  EXPECT_FALSE(fits(first, 8, 9));
  EXPECT_TRUE(fits(second, 8, 9));
  EXPECT_FALSE(fits(99, 8, 9)) << "nobody wrote that";
}

TEST_F(HistoryTest, AReadBesideAWriteReturnsEither) {
  const auto first = write(0, 1);
  const auto second = history_.begin_write(0, 0, 1, at(2));
  EXPECT_TRUE(fits(first, 3, 4));
  EXPECT_TRUE(fits(second, 3, 4));
  EXPECT_FALSE(fits(first, 5, 6)) << "the new one was seen";
  history_.end_write(second, Outcome::done, false, at(7));
  EXPECT_TRUE(fits(second, 8, 9));
}

TEST_F(HistoryTest, OfTwoWritesAtOnceEitherIsTheLastButThenItStays) {
  const auto first = history_.begin_write(0, 0, 1, at(0));
  const auto second = history_.begin_write(1, 0, 1, at(1));
  history_.end_write(first, Outcome::done, false, at(2));
  history_.end_write(second, Outcome::done, false, at(3));
  EXPECT_TRUE(fits(first, 4, 5));
  EXPECT_FALSE(fits(second, 6, 7));
}

TEST_F(HistoryTest, AWriteThatFailedMayBeThereOrNot) {
  const auto first = write(0, 1);
  const auto failed = write(2, 3, Outcome::failed);
  EXPECT_TRUE(fits(first, 4, 5));
  EXPECT_TRUE(fits(failed, 4, 5));
  EXPECT_FALSE(fits(first, 6, 7)) << "it was there";
  const auto last = write(8, 9);
  EXPECT_FALSE(fits(failed, 10, 11));
  EXPECT_TRUE(fits(last, 10, 11));
}

TEST_F(HistoryTest, ALostWriteMayComeLateButNotBehindWhatItsHostWritesWhenItIsBack) {
  const auto lost = write(0, 1, Outcome::lost);
  const auto others = write(2, 3, Outcome::done, 1);
  EXPECT_TRUE(fits(others, 4, 5));
  EXPECT_TRUE(fits(lost, 6, 7)) << "it came late";
  const auto again = write(8, 9, Outcome::lost);
  history_.host_is_back(0, at(10));
  const auto last = write(11, 12);
  EXPECT_TRUE(fits(last, 13, 14));
  EXPECT_FALSE(fits(again, 15, 16)) << "it overtook its own host";
}

// By several paths: the first sending is still on its way when the second is answered.
TEST_F(HistoryTest, AWriteThatWasSentTwiceMayComeAgainUntilTheTargetKnowsOfTheLoss) {
  const auto twice = history_.begin_write(0, 0, 1, at(0), History::Sent::perhaps_twice);
  EXPECT_TRUE(fits(twice, 1, 2)) << "the first sending";
  const auto others = write(3, 4, Outcome::done, 1);
  EXPECT_TRUE(fits(others, 5, 6));
  EXPECT_TRUE(fits(twice, 7, 8)) << "the second";
  EXPECT_FALSE(fits(others, 9, 10)) << "it is replaced";
  history_.end_write(twice, Outcome::done, false, at(11));
  EXPECT_FALSE(fits(0, 12, 13));
  const auto next = write(14, 15, Outcome::done, 1);
  EXPECT_TRUE(fits(next, 16, 17));
  EXPECT_TRUE(fits(twice, 18, 19));
  const auto last = write(20, 21, Outcome::done, 1);
  EXPECT_TRUE(fits(last, 22, 26)) << "which began before the next";
  history_.host_is_back(0, at(24));
  EXPECT_TRUE(fits(twice, 25, 27)) << "it came until then";
  EXPECT_FALSE(fits(last, 28, 29));
  const auto fenced = write(30, 31);
  EXPECT_FALSE(fits(twice, 32, 33));
  EXPECT_TRUE(fits(fenced, 32, 33));
}

// Fenced is not gone: writes wait for it, reads do not.
TEST_F(HistoryTest, ASendingThatIsFencedMayStillComeBeforeTheNextWrite) {
  const auto twice = history_.begin_write(0, 0, 1, at(0), History::Sent::perhaps_twice);
  EXPECT_TRUE(fits(twice, 1, 2));
  const auto others = write(3, 4, Outcome::done, 1);
  history_.end_write(twice, Outcome::lost, false, at(5));
  history_.host_is_back(0, at(6));
  EXPECT_TRUE(fits(others, 7, 8));
  EXPECT_TRUE(fits(twice, 9, 10));
  const auto next = write(11, 12, Outcome::done, 1);
  EXPECT_FALSE(fits(twice, 13, 14));
  EXPECT_TRUE(fits(next, 13, 14));
}

TEST_F(HistoryTest, AWriteThatWasSentOnceAfterAllDoesNotComeAgain) {
  const auto once = history_.begin_write(0, 0, 1, at(0), History::Sent::perhaps_twice);
  history_.was_sent_once(once);
  history_.end_write(once, Outcome::done, false, at(1));
  const auto next = write(2, 3);
  EXPECT_FALSE(fits(once, 4, 5));
  EXPECT_TRUE(fits(next, 4, 5));
}

TEST_F(HistoryTest, WhatADeadTargetWasSentFirstDoesNotComeAgain) {
  const auto twice = history_.begin_write(0, 0, 1, at(0), History::Sent::perhaps_twice);
  history_.end_write(twice, Outcome::done, false, at(1));
  history_.target_died(false, at(2), History::OnTheWay::sent_again);
  const auto next = write(3, 4);
  EXPECT_FALSE(fits(twice, 5, 6));
  EXPECT_TRUE(fits(next, 5, 6));
}

TEST_F(HistoryTest, FindsDataOfAnotherPlaceAndTornBlocks) {
  const auto id = history_.begin_write(0, 0, 2, at(0));
  history_.end_write(id, Outcome::done, false, at(1));
  std::vector<std::byte> blocks(2 * History::kBlockBytes);
  History::stamp(blocks, id, 0);
  EXPECT_FALSE(history_.check_read(0, blocks, at(2), at(3)));
  EXPECT_TRUE(history_.check_read(1, std::span(blocks).first(History::kBlockBytes), at(2), at(3)));
  blocks[100] ^= std::byte{1};
  EXPECT_TRUE(history_.check_read(0, blocks, at(2), at(3)));
}

TEST_F(HistoryTest, ALossOfPowerUndoesWhatIsNotDurable) {
  const auto first = write(0, 1);
  history_.flushed(at(2));
  const auto second = write(3, 4);
  const auto third = write(5, 6);
  history_.target_died(true, at(7));
  EXPECT_FALSE(fits(0, 8, 9)) << "the first was flushed";
  EXPECT_TRUE(fits(second, 8, 9)) << "of what was not, anything may be left";
  EXPECT_FALSE(fits(first, 10, 11)) << "but that stays";
  EXPECT_FALSE(fits(third, 10, 11));
  history_.target_died(true, at(12));
  EXPECT_FALSE(fits(third, 13, 14)) << "nothing comes back that was gone after the first loss";
  EXPECT_TRUE(fits(second, 13, 14));
}

TEST_F(HistoryTest, AHostThatIsOffTheListHasNoEffect) {
  const auto first = write(0, 1);
  const auto under_way = history_.begin_write(0, 0, 1, at(2));
  const auto others = history_.begin_write(1, 0, 1, at(2));
  history_.host_is_off(0, at(3));
  const auto last = write(4, 5, Outcome::done, 2);
  EXPECT_TRUE(fits(last, 6, 7));
  EXPECT_FALSE(fits(under_way, 8, 9)) << "it came before, or never";
  EXPECT_TRUE(fits(others, 8, 9));
  EXPECT_FALSE(fits(first, 10, 11));
}

TEST_F(HistoryTest, ADurableWriteSurvives) {
  const auto first = write(0, 1);
  const auto second = write(2, 3, Outcome::done, 0, true);
  history_.target_died(true, at(4));
  EXPECT_FALSE(fits(first, 5, 6));
  EXPECT_TRUE(fits(second, 5, 6));
}

TEST_F(HistoryTest, WhatWasFlushedTooEarlyIsNotDurable) {
  const auto first = write(0, 5);
  history_.flushed(at(4));
  history_.target_died(true, at(6));
  EXPECT_TRUE(fits(0, 7, 8));
  EXPECT_FALSE(fits(first, 9, 10));
}

TEST_F(HistoryTest, AFlushDoesNotMakeDurableWhatWasUndoneBefore) {
  const auto first = write(0, 1, Outcome::done, 0, true);
  const auto second = write(2, 3);
  history_.target_died(true, at(4));
  EXPECT_TRUE(fits(first, 5, 6)) << "the second was undone";
  history_.flushed(at(7));
  const auto third = write(8, 9);
  history_.target_died(true, at(10));
  EXPECT_FALSE(fits(second, 11, 12));
  EXPECT_TRUE(fits(first, 13, 14)) << "and the third as well";
  EXPECT_FALSE(fits(third, 15, 16));
}

TEST_F(HistoryTest, AnAnswerThatWasOnItsWaySaysNothingOfLater) {
  const auto first = write(0, 1);
  const auto second = history_.begin_write(0, 0, 1, at(2));
  history_.target_died(true, at(4));
  EXPECT_TRUE(fits(second, 3, 5)) << "before the loss it was there";
  history_.end_write(second, Outcome::done, false, at(6));
  EXPECT_TRUE(fits(first, 7, 8));
  EXPECT_FALSE(fits(second, 9, 10));
}

TEST_F(HistoryTest, AWriteThatIsSentAgainTakesEffectAfterALossOfPower) {
  const auto first = write(0, 1, Outcome::done, 0, true);
  const auto again = history_.begin_write(0, 0, 1, at(2));
  EXPECT_TRUE(fits(again, 3, 4));
  history_.target_died(true, at(5), History::OnTheWay::sent_again);
  EXPECT_TRUE(fits(first, 6, 7)) << "it was not durable";
  EXPECT_TRUE(fits(again, 8, 9));
  history_.end_write(again, Outcome::done, false, at(10));
  const auto last = write(11, 12);
  EXPECT_FALSE(fits(again, 13, 14));
  EXPECT_TRUE(fits(last, 13, 14));
}

TEST_F(HistoryTest, ForgetsOnlyWhatNothingBringsBack) {
  const auto first = write(0, 1);
  const auto second = write(2, 3);
  history_.forget(at(4));
  history_.target_died(true, at(5));
  EXPECT_TRUE(fits(first, 6, 7)) << "neither was durable";
  const auto third = write(8, 9, Outcome::done, 0, true);
  const auto open = history_.begin_write(0, 0, 1, at(10));
  EXPECT_TRUE(fits(open, 11, 12));
  history_.forget(at(13));
  history_.end_write(open, Outcome::done, false, at(14));
  EXPECT_FALSE(fits(second, 15, 16));
  EXPECT_FALSE(fits(third, 15, 16));
  EXPECT_TRUE(fits(open, 15, 16));
}

}  // namespace
}  // namespace weft::sim
