// Compare and Write as one: what it does, what it refuses, and that nothing comes in between.
#include "target/io/fused_pair.h"

#include "target/testing.h"

namespace weft::target {

namespace {

using namespace wire::status;
using fabric::Exchange;
using fabric::FakeConnection;
using fabric::FakeHost;
using fabric::HostData;

wire::Sqe with_fuse(wire::Sqe sqe, wire::Fuse fuse) {
  sqe.flags = static_cast<std::uint8_t>(sqe.flags | static_cast<int>(fuse));
  return sqe;
}

class FusedPairTest : public TargetTest {
 protected:
  struct Pair {
    Exchange& compare;
    Exchange& write;
  };

  static wire::Sqe compare_sqe(wire::LbaRange range, Nsid nsid = kNsid) {
    return with_fuse(wire::make_compare({.nsid = nsid, .range = range}), wire::Fuse::first);
  }
  static wire::Sqe write_sqe(wire::LbaRange range, Nsid nsid = kNsid) {
    return with_fuse(wire::make_write({.nsid = nsid, .range = range}), wire::Fuse::second);
  }
  static std::vector<std::byte> value(unsigned seed, std::uint32_t blocks = 1) {
    return pattern(std::size_t{blocks} * kBlockBytes, seed);
  }

  Pair send(FakeConnection& io, wire::LbaRange range, const std::vector<std::byte>& expected,
            const std::vector<std::byte>& wanted, HostData::Pointer pointer = HostData::Pointer::transport) {
    Exchange& compare = io.submit(compare_sqe(range), {.out = expected, .pointer = pointer});
    return {compare, io.submit(write_sqe(range), {.out = wanted, .pointer = pointer})};
  }
  static void expect(FakeHost& host, FakeConnection& io, Pair pair, wire::Status compare,
                     wire::Status write) {
    const auto first = host.wait(io, pair.compare);
    const auto second = host.wait(io, pair.write);
    EXPECT_TRUE(first.is(compare)) << std::hex << first.status().encode();
    EXPECT_TRUE(second.is(write)) << std::hex << second.status().encode();
  }
  std::vector<std::byte> content(FakeHost& host, wire::LbaRange range) {
    std::vector<std::byte> in(std::size_t{range.blocks} * kBlockBytes);
    EXPECT_TRUE(host.read(kNsid, range, in).ok());
    return in;
  }
  void hold(block::Op op) { delay_->hold({.ops = block::op_bit(op)}); }
};

TEST_F(FusedPairTest, WritesWhereItFindsWhatItExpects) {
  FakeHost& host = connected_host();
  FakeConnection& io = host.io(Qid(1));
  for (const std::uint32_t blocks : {1u, 8u, 9u, 16u, 33u, 64u}) {
    for (const auto pointer : {HostData::Pointer::transport, HostData::Pointer::capsule}) {
      if (pointer == HostData::Pointer::capsule && blocks > 16) continue;
      const wire::LbaRange range{blocks, blocks};
      const auto before = value(1, blocks);
      const auto after = value(2, blocks);
      ASSERT_TRUE(host.write(kNsid, range, before).ok());
      expect(host, io, send(io, range, before, after, pointer), kSuccess, kSuccess);
      EXPECT_EQ(content(host, range), after) << blocks;
      expect(host, io, send(io, range, before, before, pointer), kCompareFailure, kAbortedFailedFused);
      EXPECT_EQ(content(host, range), after) << blocks;
    }
  }
  EXPECT_TRUE(fault_->fence().idle());
}

TEST_F(FusedPairTest, IsToldOfByIdentify) {
  wire::IdentifyController id;
  ASSERT_TRUE(connected_host().identify_controller(id).ok());
  EXPECT_EQ(id.fuses.value(), wire::kFusesCompareWrite);
}

TEST_F(FusedPairTest, RefusesWhatIsNoPair) {
  ASSERT_TRUE(subsystem_->add_namespace(Nsid(3), {.backend = disk_, .read_only = true}));
  FakeHost& host = connected_host();
  FakeConnection& io = host.io(Qid(1));
  const auto data = value(1);
  const auto more = value(1, 2);
  const auto large = value(1, 65);
  const wire::LbaRange one{0, 1};
  struct Case {
    const char* what;
    wire::Sqe first, second;
    const std::vector<std::byte>&first_data, &second_data;
    wire::Status first_status, second_status;
  };
  const Case cases[] = {
      {"another range", compare_sqe(one), write_sqe({1, 1}), data, data, kAbortedFailedFused, kInvalidField},
      {"another length", compare_sqe(one), write_sqe({0, 2}), data, more, kAbortedFailedFused, kInvalidField},
      {"another namespace", compare_sqe(one), write_sqe(one, Nsid(3)), data, data, kAbortedFailedFused,
       kInvalidField},
      {"one that may not be written", compare_sqe(one, Nsid(3)), write_sqe(one, Nsid(3)), data, data,
       kAbortedFailedFused, kNamespaceWriteProtected},
      {"none", compare_sqe(one, Nsid(9)), write_sqe(one, Nsid(9)), data, data, kInvalidNamespace,
       kAbortedFailedFused},
      {"beyond the end", compare_sqe({kBlocks, 1}), write_sqe({kBlocks, 1}), data, data, kLbaOutOfRange,
       kAbortedFailedFused},
      {"too large", compare_sqe({0, 65}), write_sqe({0, 65}), large, large, kAtomicWriteUnitExceeded,
       kAbortedFailedFused},
      {"data of another length", compare_sqe(one), write_sqe(one), data, more, kAbortedFailedFused,
       kDataSglLengthInvalid},
      {"data of a length that is not the range's", compare_sqe(one), write_sqe(one), more, more,
       kDataSglLengthInvalid, kAbortedFailedFused},
      {"two compares", compare_sqe(one),
       with_fuse(wire::make_compare({.nsid = kNsid, .range = one}), wire::Fuse::second), data, data,
       kAbortedFailedFused, kInvalidField},
      {"a write first", with_fuse(wire::make_write({.nsid = kNsid, .range = one}), wire::Fuse::first),
       write_sqe(one), data, data, kInvalidField, kAbortedMissingFused},
      {"the second first", write_sqe(one), write_sqe(one), data, data, kAbortedMissingFused,
       kAbortedMissingFused},
      {"another command behind the first",
       compare_sqe(one),
       wire::make_flush({.nsid = kNsid}),
       data,
       {},
       kAbortedMissingFused,
       kSuccess},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.what);
    Exchange& first = io.submit(each.first, {.out = each.first_data});
    Exchange& second = io.submit(each.second, {.out = each.second_data});
    expect(host, io, {first, second}, each.first_status, each.second_status);
  }
  Exchange& lonely = io.submit(compare_sqe(one), {.out = data});
  wire::Sqe named = compare_sqe(one);
  named.cid = 77;
  Exchange& next = io.submit(named, {.out = data, .keep_cid = true});
  EXPECT_TRUE(host.wait(io, lonely).is(kAbortedMissingFused)) << "a first behind a first";
  EXPECT_FALSE(next.finished());
  EXPECT_TRUE(host.abort(Qid(1), Cid(77)).ok());
  EXPECT_TRUE(host.wait(io, next).is(kAbortRequested));
  wire::Sqe admin = wire::make_async_event_request();
  EXPECT_TRUE(host.execute(host.admin(), with_fuse(admin, wire::Fuse::first)).is(kInvalidField));
  EXPECT_TRUE(fault_->fence().idle());
}

TEST_F(FusedPairTest, WaitsForWritesUnderWayAndKeepsOthersOut) {
  FakeHost& host = connected_host(2);
  FakeConnection& io = host.io(Qid(1));
  FakeConnection& other = host.io(Qid(2));  // on another loop
  const auto before = value(1);
  const auto under_way = value(2);
  const auto wanted = value(3);
  const auto later = value(4);
  ASSERT_TRUE(host.write(kNsid, {8, 1}, before).ok());
  hold(block::Op::write);
  const wire::Sqe plain = wire::make_write({.nsid = kNsid, .range = {8, 1}});
  Exchange& first = other.submit(plain, {.out = under_way});
  loops_.run_until_idle();
  delay_->stop_holding();
  const Pair pair = send(io, {8, 1}, before, wanted);
  const Pair fits = send(io, {8, 1}, under_way, wanted);
  loops_.run_until_idle();
  EXPECT_FALSE(pair.compare.finished()) << "what is under way may be found or not: it must have ended";
  Exchange& second = other.submit(plain, {.out = later});
  EXPECT_EQ(content(host, {8, 1}), before) << "reads do not wait";
  EXPECT_TRUE(host.write(kNsid, {9, 1}, later).ok()) << "nor do writes elsewhere";
  loops_.run_until_idle();
  EXPECT_FALSE(second.finished());
  delay_->release();
  EXPECT_TRUE(host.wait(other, first).ok());
  expect(host, io, pair, kCompareFailure, kAbortedFailedFused);
  host.wait(io, fits.compare);
  host.wait(io, fits.write);
  EXPECT_TRUE(host.wait(other, second).ok());
  EXPECT_TRUE(fault_->fence().idle());
}

TEST_F(FusedPairTest, OneOfManyPairsWins) {
  FakeHost& host = connected_host(2);
  const auto before = value(1);
  ASSERT_TRUE(host.write(kNsid, {0, 1}, before).ok());
  std::vector<std::vector<std::byte>> wanted;
  std::vector<std::pair<FakeConnection*, Pair>> pairs;
  for (unsigned i = 0; i < 16; ++i) wanted.push_back(value(10 + i));
  for (unsigned i = 0; i < 16; ++i) {
    FakeConnection& io = host.io(Qid(static_cast<std::uint16_t>(1 + i % 2)));
    pairs.emplace_back(&io, send(io, {0, 1}, before, wanted[i]));
  }
  unsigned won = 0;
  for (auto& [io, pair] : pairs) {
    const bool ok = host.wait(*io, pair.compare).ok();
    EXPECT_EQ(host.wait(*io, pair.write).ok(), ok);
    won += ok;
  }
  EXPECT_EQ(won, 1u);
}

TEST_F(FusedPairTest, AFailedWriteIsTheSecondsOnly) {
  FakeHost& host = connected_host();
  FakeConnection& io = host.io(Qid(1));
  const auto zeroes = std::vector<std::byte>(512);
  fault_->plan({.match = {.ops = block::op_bit(block::Op::write)}, .error = EIO});
  expect(host, io, send(io, {0, 1}, zeroes, value(1)), kSuccess, kWriteFault);
  fault_->clear();
  fault_->plan({.match = {.ops = block::op_bit(block::Op::read)}, .error = EIO});
  expect(host, io, send(io, {0, 1}, zeroes, value(1)), kUnrecoveredReadError, kAbortedFailedFused);
  fault_->clear();
  io.set_pull_outcome(fabric::Pull::Outcome::digest_error);
  Exchange& compare = io.submit(compare_sqe({0, 1}), {.out = zeroes});
  loops_.run_until_idle();
  EXPECT_TRUE(compare.finished()) << "no second will change it";
  io.set_pull_outcome(fabric::Pull::Outcome::ok);
  const auto one = value(1);
  Exchange& write = io.submit(write_sqe({0, 1}), {.out = one});
  expect(host, io, {compare, write}, kTransientTransportError, kAbortedFailedFused);
  EXPECT_EQ(content(host, {0, 1}), zeroes);
}

// Lost after any number of turns, with one operation of the backend that hangs or none.
TEST_F(FusedPairTest, MayBeLostAtAnyStep) {
  const auto data = std::vector<std::byte>(512);
  const std::optional<block::Op> holds[] = {std::nullopt, block::Op::read, block::Op::write};
  for (const auto& op : holds) {
    for (const unsigned halves : {1u, 2u}) {
      for (unsigned turns = 0; turns < 12; ++turns) {
        FakeHost& host = connected_host(2);
        FakeConnection& io = host.io(Qid(1));
        if (op) hold(*op);
        Exchange& plain =
            host.io(Qid(2)).submit(wire::make_write({.nsid = kNsid, .range = {0, 1}}), {.out = data});
        io.submit(compare_sqe({0, 1}), {.out = data});
        if (halves == 2) io.submit(write_sqe({0, 1}), {.out = data});
        for (unsigned i = 0; i < turns; ++i) loops_.run_turn();
        io.cut();
        loops_.run_until_idle();
        delay_->release();
        loops_.run_until_idle();
        EXPECT_TRUE(io.is_retired());
        EXPECT_TRUE(plain.finished() || plain.state() == Exchange::State::abandoned);
        ASSERT_TRUE(host.drop());
        EXPECT_TRUE(fault_->fence().idle());
        EXPECT_EQ(loops_[1].buffers().held_bytes(), 0u);
      }
    }
  }
}

TEST_F(FusedPairTest, AFirstAloneKeepsNoNamespace) {
  FakeHost& host = connected_host();
  const auto data = value(1);
  host.io(Qid(1)).submit(compare_sqe({0, 1}), {.out = data});
  loops_.run_until_idle();
  bool gone = false;
  ASSERT_TRUE(subsystem_->remove_namespace(kNsid, [&gone] { gone = true; }));
  loops_.run_until_idle();
  EXPECT_TRUE(gone);
  ASSERT_TRUE(host.drop());
}

}  // namespace

}  // namespace weft::target
