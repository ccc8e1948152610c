#include "backends/fd/transfer.h"

#include <fcntl.h>

#include <numeric>
#include <vector>

#include "backends/fd/testing.h"
#include "backends/fd/unique_fd.h"

namespace weft::backends {
namespace {

class TransferTest : public testing::Test {
 protected:
  static constexpr std::size_t kBytes = 1 << 20;

  TransferTest() { std::iota(reinterpret_cast<unsigned char*>(bytes_.data()), end(), 0); }

  unsigned char* end() { return reinterpret_cast<unsigned char*>(bytes_.data()) + bytes_.size(); }

  // The memory in pieces of these sizes, again and again.
  std::vector<iovec> pieces(std::vector<std::byte>& memory, const std::vector<std::size_t>& sizes) {
    std::vector<iovec> all;
    std::size_t at = 0;
    for (std::size_t i = 0; at < memory.size(); ++i) {
      const std::size_t here = std::min(sizes[i % sizes.size()], memory.size() - at);
      all.push_back({memory.data() + at, here});
      at += here;
    }
    return all;
  }

  ScratchDirectory directory_;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(kBytes);
  UniqueFd file_{::open(directory_.make("file", 2 * kBytes).c_str(), O_RDWR | O_CLOEXEC)};
};

TEST_F(TransferTest, MovesAnyNumberOfPieces) {
  for (const auto& sizes :
       {std::vector<std::size_t>{kBytes}, {512}, {4096, 0, 512}, {1, 7, 100'000}, {5000}}) {
    std::vector<std::byte> in(kBytes);
    for (const bool dsync : {false, true})
      ASSERT_EQ(write_all(file_.get(), 4096, pieces(bytes_, sizes), dsync), 0);
    ASSERT_EQ(read_all(file_.get(), 4096, pieces(in, sizes)), 0);
    EXPECT_TRUE(in == bytes_);
  }
  EXPECT_EQ(read_all(file_.get(), 0, {}), 0);
}

TEST_F(TransferTest, TheEndOfTheFileIsAnError) {
  std::vector<std::byte> in(8192);
  EXPECT_EQ(read_all(file_.get(), 2 * kBytes - 8192, pieces(in, {4096})), 0);
  EXPECT_EQ(read_all(file_.get(), 2 * kBytes - 4096, pieces(in, {4096})), EIO);
  EXPECT_EQ(read_all(file_.get(), 4 * kBytes, pieces(in, {8192})), EIO);
}

TEST_F(TransferTest, WritesZeroesOfAnyLength) {
  for (const std::uint64_t length : {512ul, 65536ul, 65536ul + 512, 1ul << 20, (1ul << 20) - 512}) {
    std::vector<std::byte> in(kBytes + 1024);
    std::vector<std::byte> expected(kBytes + 1024);
    ASSERT_EQ(write_all(file_.get(), 512, pieces(bytes_, {kBytes}), false), 0);
    std::copy(bytes_.begin(), bytes_.end(), expected.begin() + 512);
    ASSERT_EQ(write_zeroes(file_.get(), 512, length), 0);
    std::fill_n(expected.begin() + 512, length, std::byte{});
    ASSERT_EQ(read_all(file_.get(), 0, pieces(in, {4096})), 0);
    EXPECT_TRUE(in == expected) << length;
  }
}

TEST_F(TransferTest, SaysWhatTheSystemSays) {
  const UniqueFd full(::open("/dev/full", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(write_all(full.get(), 0, pieces(bytes_, {4096}), false), ENOSPC);
  EXPECT_EQ(write_zeroes(full.get(), 0, 4096), ENOSPC);
  EXPECT_EQ(read_all(-1, 0, pieces(bytes_, {4096})), EBADF);
  EXPECT_EQ(allocate(full.get(), 0, 0, 4096), ENODEV);
}

}  // namespace
}  // namespace weft::backends
