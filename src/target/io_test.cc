#include "target/testing.h"

namespace weft::target {

namespace {

using namespace wire::status;
using fabric::FakeHost;

using IoTest = TargetTest;

TEST_F(IoTest, ReadsWhatWasWrittenInEverySize) {
  FakeHost& host = connected_host(2);
  for (const std::uint32_t blocks : {1u, 2u, 15u, 16u, 17u, 32u, 33u, 255u, 256u, 257u, 2047u, 2048u}) {
    for (const bool in_capsule : {false, true}) {
      const std::size_t bytes = std::size_t{blocks} * kBlockBytes;
      if (in_capsule && bytes > 16384) continue;
      const auto out = pattern(bytes, blocks);
      std::vector<std::byte> in(bytes);
      ASSERT_TRUE(host.write(kNsid, {blocks, blocks}, out, {.queue = 1, .in_capsule = in_capsule}).ok())
          << blocks;
      ASSERT_TRUE(host.read(kNsid, {blocks, blocks}, in, {.queue = 2}).ok()) << blocks;
      ASSERT_EQ(in, out) << blocks;
    }
  }
}

TEST_F(IoTest, TheBackendCountsWhatItsNamespacesHaveDone) {
  FakeHost& host = connected_host(2);
  std::vector<std::byte> data(8 * kBlockBytes);
  ASSERT_TRUE(host.write(kNsid, {0, 8}, data, {.queue = 1}).ok());
  ASSERT_TRUE(host.read(kNsid, {0, 8}, data, {.queue = 2}).ok());
  ASSERT_TRUE(host.compare(kNsid, {0, 8}, data).ok());
  ASSERT_TRUE(host.write_zeroes(kNsid, {0, 8}).ok());
  const wire::DsmRange ranges[] = {{0, 8, 0}, {0, 4, 60}};
  ASSERT_TRUE(host.deallocate(kNsid, ranges).ok());
  const block::IoTotals totals = fault_->totals();
  EXPECT_EQ(totals.of(block::Op::write).done, 1u);
  EXPECT_EQ(totals.of(block::Op::write).bytes, 8u * kBlockBytes);
  EXPECT_EQ(totals.of(block::Op::read).done, 2u) << "to compare is to read";
  EXPECT_EQ(totals.of(block::Op::read).bytes, 16u * kBlockBytes);
  EXPECT_EQ(totals.of(block::Op::write_zeroes).done, 1u);
  EXPECT_EQ(totals.of(block::Op::discard).done, 2u);
  EXPECT_EQ(totals.of(block::Op::flush).done, 0u);
  for (const auto& op : totals.ops) EXPECT_EQ(op.errors, 0u);
}

TEST_F(IoTest, RangesAtTheEdges) {
  FakeHost& host = connected_host();
  struct Case {
    std::uint64_t slba;
    std::uint32_t blocks;
    wire::Status status;
  };
  for (const Case& each :
       {Case{0, 1, kSuccess}, Case{kBlocks - 1, 1, kSuccess}, Case{kBlocks - 8, 8, kSuccess},
        Case{kBlocks, 1, kLbaOutOfRange}, Case{kBlocks - 1, 2, kLbaOutOfRange},
        Case{~0ull, 1, kLbaOutOfRange}, Case{0, 2048, kSuccess}, Case{0, 2049, kInvalidField}}) {
    std::vector<std::byte> data(std::size_t{each.blocks} * kBlockBytes);
    EXPECT_TRUE(host.read(kNsid, {each.slba, each.blocks}, data).is(each.status))
        << each.slba << "+" << each.blocks;
    EXPECT_TRUE(host.write(kNsid, {each.slba, each.blocks}, data).is(each.status))
        << each.slba << "+" << each.blocks;
    EXPECT_TRUE(host.compare(kNsid, {each.slba, each.blocks}, data).is(each.status))
        << each.slba << "+" << each.blocks;
  }
}

TEST_F(IoTest, ZeroesOfAWholeNamespaceAreNotThere) {
  FakeHost& host = connected_host();
  const auto sqe =
      wire::make_write_zeroes({.nsid = kNsid, .range = {0, 1}, .deallocate = true, .whole_namespace = true});
  EXPECT_TRUE(host.execute(host.io(Qid(1)), sqe).is(kInvalidField));
}

TEST_F(IoTest, TheDataPointerSaysExactlyTheLength) {
  FakeHost& host = connected_host();
  std::vector<std::byte> data(4096);
  for (const std::size_t length : {0u, 512u, 3584u, 4095u}) {
    EXPECT_TRUE(host.read(kNsid, {0, 8}, std::span(data).first(length)).is(kDataSglLengthInvalid)) << length;
    EXPECT_TRUE(host.write(kNsid, {0, 8}, std::span(data).first(length)).is(kDataSglLengthInvalid)) << length;
  }
  data.resize(8192);
  EXPECT_TRUE(host.read(kNsid, {0, 8}, data).is(kDataSglLengthInvalid));
}

TEST_F(IoTest, NoDataIsReadIntoACapsule) {
  FakeHost& host = connected_host();
  const std::vector<std::byte> data(512);
  auto& read = host.io(Qid(1)).submit(wire::make_read({.nsid = kNsid, .range = {0, 1}}),
                                      {.out = data, .pointer = fabric::HostData::Pointer::capsule});
  EXPECT_TRUE(host.wait(host.io(Qid(1)), read).is(kSglDescriptorTypeInvalid));
}

TEST_F(IoTest, CompareTellsSameFromDifferentAtAnyByte) {
  FakeHost& host = connected_host();
  for (const std::uint32_t blocks : {1u, 16u, 17u, 300u, 2048u}) {
    auto data = pattern(std::size_t{blocks} * kBlockBytes, blocks);
    ASSERT_TRUE(host.write(kNsid, {100, blocks}, data).ok());
    EXPECT_TRUE(host.compare(kNsid, {100, blocks}, data).ok()) << blocks;
    for (const std::size_t at : {std::size_t{0}, data.size() / 2, data.size() - 1}) {
      data[at] ^= std::byte{1};
      EXPECT_TRUE(host.compare(kNsid, {100, blocks}, data).is(kCompareFailure)) << blocks << " at " << at;
      data[at] ^= std::byte{1};
    }
  }
}

TEST_F(IoTest, ZeroesAndDeallocates) {
  FakeHost& host = connected_host();
  const auto data = pattern(64 * 512, 7);
  std::vector<std::byte> in(64 * 512);
  ASSERT_TRUE(host.write(kNsid, {0, 64}, data).ok());
  ASSERT_TRUE(host.write_zeroes(kNsid, {8, 8}).ok());
  const wire::DsmRange ranges[] = {{0, 8, 24}, {0, 0, 0}, {0, 4, 60}};
  ASSERT_TRUE(host.deallocate(kNsid, ranges).ok());
  ASSERT_TRUE(host.read(kNsid, {0, 64}, in).ok());
  auto expected = data;
  const auto zero = [&](std::size_t lba, std::size_t blocks) {
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(lba * 512), blocks * 512, std::byte{});
  };
  zero(8, 8), zero(24, 8), zero(60, 4);
  EXPECT_EQ(in, expected);
  const wire::DsmRange outside[] = {{0, 8, 0}, {0, 2, kBlocks - 1}};
  EXPECT_TRUE(host.deallocate(kNsid, outside).is(kLbaOutOfRange));
  ASSERT_TRUE(host.read(kNsid, {0, 64}, in).ok());
  EXPECT_EQ(in, expected) << "a bad range is found before anything is discarded";
}

TEST_F(IoTest, FlushReachesTheBackendAndAllNamespaces) {
  auto other = std::make_shared<block::MemoryBackend>(64, 4096);
  ASSERT_TRUE(subsystem_->add_namespace(Nsid(7), {.backend = other}));
  FakeHost& host = connected_host();
  EXPECT_TRUE(host.flush(kNsid).ok());
  EXPECT_EQ(disk_->flushes(), 1u);
  EXPECT_TRUE(host.flush(kAllNamespaces).ok());
  EXPECT_EQ(disk_->flushes(), 2u);
  EXPECT_EQ(other->flushes(), 1u);
  EXPECT_TRUE(host.flush(Nsid(2)).is(kInvalidNamespace));
  host.drop();
  bool done = false;
  ASSERT_TRUE(subsystem_->remove_namespace(Nsid(7), [&done] { done = true; }));
  loops_.run_until_idle();
  EXPECT_TRUE(done);
}

TEST_F(IoTest, WritesAreForcedWhereTheHostWantsIt) {
  FakeHost& host = connected_host();
  const auto data = pattern(512, 1);
  ASSERT_TRUE(host.write(kNsid, {0, 1}, data).ok());
  EXPECT_EQ(disk_->fua_writes(), 0u);
  ASSERT_TRUE(host.write(kNsid, {0, 1}, data, {.fua = true}).ok());
  EXPECT_EQ(disk_->fua_writes(), 1u);
  ASSERT_TRUE(host.set_features({.fid = 0x06, .cdw11 = 0}).ok());
  ASSERT_TRUE(host.write(kNsid, {0, 1}, data).ok());
  EXPECT_EQ(disk_->fua_writes(), 2u) << "with the write cache off";
}

TEST_F(IoTest, ErrorsOfTheBackendHaveTheirStatus) {
  FakeHost& host = connected_host();
  std::vector<std::byte> data(512);
  struct Case {
    int error;
    wire::Status read, write;
  };
  for (const Case& each :
       {Case{EIO, kUnrecoveredReadError, kWriteFault}, Case{ENOSPC, kCapacityExceeded, kCapacityExceeded},
        Case{EDQUOT, kCapacityExceeded, kCapacityExceeded},
        Case{ENOMEM, kNamespaceNotReady, kNamespaceNotReady},
        Case{ENODEV, kInternalPathError, kInternalPathError}}) {
    fault_->plan({.match = {}, .error = each.error});
    const auto read = host.read(kNsid, {0, 1}, data);
    EXPECT_TRUE(read.is(each.read)) << each.error;
    EXPECT_TRUE(host.write(kNsid, {0, 1}, data).is(each.write)) << each.error;
    fault_->clear();
  }
}

TEST_F(IoTest, DamagedDataIsNotWritten) {
  FakeHost& host = connected_host();
  const auto before = pattern(512, 1);
  ASSERT_TRUE(host.write(kNsid, {0, 1}, before).ok());
  host.io(Qid(1)).set_pull_outcome(fabric::Pull::Outcome::digest_error);
  EXPECT_TRUE(host.write(kNsid, {0, 1}, pattern(512, 2)).is(kTransientTransportError));
  host.io(Qid(1)).set_pull_outcome(fabric::Pull::Outcome::ok);
  std::vector<std::byte> in(512);
  ASSERT_TRUE(host.read(kNsid, {0, 1}, in).ok());
  EXPECT_EQ(in, before);
}

TEST_F(IoTest, WhatIsNotThereIsRefused) {
  FakeHost& host = connected_host();
  wire::Sqe sqe{};
  for (const std::uint8_t opcode : {0x04, 0x0C, 0x0D, 0x19, 0x55, 0xFF}) {
    sqe.opcode = opcode;
    sqe.nsid = 1;
    EXPECT_TRUE(host.execute(host.io(Qid(1)), sqe).is(kInvalidOpcode)) << int{opcode};
  }
  std::vector<std::byte> data(512);
  EXPECT_TRUE(host.read(Nsid(2), {0, 1}, data).is(kInvalidNamespace));
  EXPECT_TRUE(host.read(Nsid(0), {0, 1}, data).is(kInvalidNamespace));
  EXPECT_TRUE(host.read(kAllNamespaces, {0, 1}, data).is(kInvalidNamespace));
  sqe = wire::make_flush({.nsid = kNsid});
  sqe.flags |= 1;  // fused
  EXPECT_TRUE(host.execute(host.io(Qid(1)), sqe).is(kInvalidField));
}

TEST_F(IoTest, AnIdInFlightIsNotTakenTwice) {
  FakeHost& host = connected_host();
  delay_->hold({});
  wire::Sqe sqe = wire::make_flush({.nsid = kNsid});
  sqe.cid = 77;
  auto& first =
      host.io(Qid(1)).submit(sqe, {.pointer = fabric::HostData::Pointer::transport, .keep_cid = true});
  auto& second =
      host.io(Qid(1)).submit(sqe, {.pointer = fabric::HostData::Pointer::transport, .keep_cid = true});
  EXPECT_TRUE(host.wait(host.io(Qid(1)), second).is(kCommandIdConflict));
  delay_->release();
  EXPECT_TRUE(host.wait(host.io(Qid(1)), first).ok());
}

TEST_F(IoTest, CommandsCompleteOutOfOrder) {
  FakeHost& host = connected_host();
  delay_->hold({.ops = block::op_bit(block::Op::write)});
  const auto data = pattern(512, 1);
  std::vector<std::byte> in(512);
  wire::Sqe sqe = wire::make_write({.nsid = kNsid, .range = {0, 1}});
  auto& slow = host.io(Qid(1)).submit(sqe, {.out = data});
  ASSERT_TRUE(host.read(kNsid, {8, 1}, in).ok());
  EXPECT_FALSE(slow.finished());
  delay_->release();
  EXPECT_TRUE(host.wait(host.io(Qid(1)), slow).ok());
}

TEST_F(IoTest, ReadOnlyNamespacesRefuseWrites) {
  ASSERT_TRUE(subsystem_->add_namespace(Nsid(3), {.backend = disk_, .read_only = true}));
  FakeHost& host = connected_host();
  std::vector<std::byte> data(512);
  EXPECT_TRUE(host.read(Nsid(3), {0, 1}, data).ok());
  EXPECT_TRUE(host.write(Nsid(3), {0, 1}, data).is(kNamespaceWriteProtected));
  EXPECT_TRUE(host.write_zeroes(Nsid(3), {0, 1}).is(kNamespaceWriteProtected));
}

}  // namespace

}  // namespace weft::target
