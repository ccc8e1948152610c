#include "backends/ramdisk/ramdisk.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "backends/ramdisk/memory.h"
#include "block/conformance.h"

namespace weft::backends {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

class RamdiskEnvironment final : public block::ConformanceEnvironment {
 public:
  explicit RamdiskEnvironment(std::string block_size) : block_size_(std::move(block_size)) {}
  block::LoopDriver& driver() override { return driver_; }
  Result<std::shared_ptr<block::Backend>> open() override {
    return make_ramdisk_plugin(budget_).open(
        {"rd_mcp_0/d", {}, {{"size", "6M"}, {"block_size", block_size_}}});
  }

 private:
  RamBudget budget_{kGiB};
  block::TestLoopDriver driver_;
  const std::string block_size_;
};

}  // namespace
}  // namespace weft::backends

namespace weft::block {
namespace {

std::unique_ptr<ConformanceEnvironment> ram512() {
  return std::make_unique<backends::RamdiskEnvironment>("512");
}
std::unique_ptr<ConformanceEnvironment> ram4096() {
  return std::make_unique<backends::RamdiskEnvironment>("4096");
}

INSTANTIATE_TEST_SUITE_P(Ramdisk512, BackendConformance,
                         testing::ValuesIn(conformance_cases({"ramdisk_512", &ram512})), case_name);
INSTANTIATE_TEST_SUITE_P(Ramdisk4096, BackendConformance,
                         testing::ValuesIn(conformance_cases({"ramdisk_4096", &ram4096})), case_name);

}  // namespace
}  // namespace weft::block

namespace weft::backends {
namespace {

TEST(Ramdisk, RefusesWhatItCannotBe) {
  RamBudget budget(kGiB);
  const auto plugin = make_ramdisk_plugin(budget);
  const struct {
    block::ControlValues control;
    const char* message;
  } rows[] = {
      {{}, "needs its size"},
      {{{"size", "0"}}, "size=0"},
      {{{"size", "1000"}}, "not a whole number of blocks"},
      {{{"rd_pages", "0"}}, "rd_pages=0"},
      {{{"rd_pages", "2"}, {"size", "4096"}}, "give one of them"},
      {{{"size", "1M"}, {"block_size", "1024"}}, "give 512 or 4096"},
      {{{"size", "1M"}, {"rd_nullio", "2"}}, "rd_nullio=2"},
  };
  for (const auto& row : rows) {
    const auto opened = plugin.open({"rd_mcp_0/d", {}, row.control});
    ASSERT_FALSE(opened) << row.message;
    EXPECT_EQ(opened.error().code, EINVAL);
    EXPECT_THAT(opened.error().message, HasSubstr(row.message));
  }
  EXPECT_EQ(budget.left(), kGiB);
}

TEST(Ramdisk, SharesALimitWithAllOthers) {
  RamBudget budget(kGiB);
  const auto plugin = make_ramdisk_plugin(budget);
  auto first = plugin.open({"rd_mcp_0/a", {}, {{"rd_pages", "163840"}}});  // 640 MiB
  ASSERT_TRUE(first);
  const auto refused = plugin.open({"rd_mcp_0/b", {}, {{"size", "512M"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOMEM);
  EXPECT_THAT(refused.error().message, HasSubstr("512 MiB"));
  EXPECT_THAT(refused.error().message, HasSubstr("384 MiB are left of the 1 GiB"));
  EXPECT_THAT(refused.error().message, HasSubstr("overcommit=1"));
  EXPECT_TRUE(plugin.open({"rd_mcp_0/b", {}, {{"size", "512M"}, {"overcommit", "1"}}}));
  EXPECT_TRUE(plugin.open({"rd_mcp_0/b", {}, {{"size", "512M"}, {"rd_nullio", "1"}}}));
  first->reset();
  EXPECT_TRUE(plugin.open({"rd_mcp_0/b", {}, {{"size", "512M"}}}));
  EXPECT_EQ(budget.left(), kGiB);
}

TEST(Ramdisk, TakesMemoryWhenWrittenAndGivesItBack) {
  auto memory = RamMemory::map(kGiB);
  ASSERT_TRUE(memory);
  EXPECT_EQ((*memory)->resident_bytes(), 0u);
  const std::vector<std::byte> data(1 << 20, std::byte{7});
  (*memory)->write(kGiB / 2 + 512, data.data(), data.size());
  EXPECT_EQ((*memory)->resident_bytes(), data.size() + 4096);
  (*memory)->zero(kGiB / 2 + 512, data.size());
  EXPECT_LE((*memory)->resident_bytes(), 2 * 4096u);  // the partial pages at both ends
  std::vector<std::byte> back(data.size(), std::byte{1});
  (*memory)->read(kGiB / 2 + 512, back.data(), back.size());
  EXPECT_EQ(back, std::vector<std::byte>(data.size()));
}

// What the system's pages of this process say of the one that holds `address`.
std::string flags_of_mapping(const std::byte* address) {
  std::ifstream maps("/proc/self/smaps");
  bool is_here = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t first = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    if (std::istringstream(line) >> std::hex >> first >> dash >> end && dash == '-')
      is_here = reinterpret_cast<std::uintptr_t>(address) - first < end - first;
    if (is_here && line.starts_with("VmFlags:")) return line;
  }
  return "";
}

TEST(Ramdisk, AsksForHugePagesWhenItIsTold) {
  if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage"))
    GTEST_SKIP() << "this kernel has no huge pages that come by themselves";
  for (const bool huge : {false, true}) {
    auto memory = RamMemory::map(8 << 20, huge);
    ASSERT_TRUE(memory);
    const std::byte* const place = (*memory)->lend(0, 4096);
    ASSERT_NE(place, nullptr);
    EXPECT_THAT(flags_of_mapping(place), HasSubstr(huge ? " hg" : " nh"));
    (*memory)->take_back(place, 4096);
  }
  RamBudget budget(kGiB);
  const auto plugin = make_ramdisk_plugin(budget);
  EXPECT_TRUE(plugin.open({"rd_mcp_0/d", {}, {{"size", "8M"}, {"huge_pages", "1"}}}));
  EXPECT_FALSE(plugin.open({"rd_mcp_0/d", {}, {{"size", "8M"}, {"huge_pages", "yes"}}}));
}

// A discard of much is done in slices: what waits behind it is served meanwhile.
TEST(Ramdisk, ServesReadsDuringALongDiscard) {
  RamBudget budget(kGiB);
  const auto disk = *make_ramdisk_plugin(budget).open({"rd_mcp_0/d", {}, {{"size", "256M"}}});
  TestLoop loop;
  auto channel = disk->open_channel(loop);
  std::atomic<std::size_t> pending = 2;
  block::DiskIo discard(block::Op::discard, 0, disk->geometry().blocks), read(block::Op::read, 0, 1);
  read.allocate(512, loop.dice());
  discard.pending = read.pending = &pending;
  channel->submit(discard);
  channel->submit(read);
  loop.run_turn();
  EXPECT_TRUE(read.answered_once);
  EXPECT_FALSE(discard.answered_once);
  loop.run_until_idle();
  EXPECT_TRUE(discard.answered_once);
}

// Hosts that do not read their answers keep what they were lent; there is a limit for one disk and one for
// all.
TEST(Ramdisk, LendsToALimit) {
  constexpr std::uint64_t kEach = 1 << 20;
  constexpr std::size_t kOfADisk = 8;
  constexpr std::size_t kDisks = LoanLimit::kMostBytes / kEach / kOfADisk;
  RamBudget budget(kGiB);
  const auto plugin = make_ramdisk_plugin(budget);
  TestLoop loop;
  struct Lender {
    std::shared_ptr<block::Backend> disk;
    std::unique_ptr<block::Channel> channel;
    std::vector<std::unique_ptr<block::DiskIo>> lent;
  };
  std::vector<Lender> lenders(kDisks + 1);
  const auto borrow = [&](Lender& lender) {
    std::atomic<std::size_t> pending = 1;
    auto io = std::make_unique<block::DiskIo>(block::Op::read, 0, kEach / 512);
    io->pending = &pending;
    io->ask_for_loan();
    lender.channel->submit(*io);
    loop.run_until_idle();
    EXPECT_EQ(io->error, 0);
    if (io->is_declined()) return false;
    lender.lent.push_back(std::move(io));
    return true;
  };
  for (Lender& lender : lenders) {
    lender.disk = *plugin.open({"rd_mcp_0/d", {}, {{"size", "8M"}}});
    lender.channel = lender.disk->open_channel(loop);
  }
  for (std::size_t i = 0; i < kDisks; ++i) {
    for (std::size_t n = 0; n < kOfADisk; ++n) EXPECT_TRUE(borrow(lenders[i])) << i << ", " << n;
    EXPECT_FALSE(borrow(lenders[i])) << "one disk's limit";
  }
  EXPECT_FALSE(borrow(lenders[kDisks])) << "the limit of all";
  lenders[0].lent.back()->lent.give_back();
  lenders[0].lent.pop_back();
  EXPECT_TRUE(borrow(lenders[kDisks]));
  for (Lender& lender : lenders) {
    for (const auto& io : lender.lent) io->lent.give_back();
    lender.channel.reset();
  }
}

// Two threads that write all of a memory of four blocks, each with a byte of its own, and zero the middle
// two.
class Writers {
 public:
  static constexpr std::size_t kBlock = 4096;
  static constexpr std::size_t kBlocks = 4;

  explicit Writers(RamMemory& memory) {
    for (int writer = 1; writer <= 2; ++writer)
      threads_.emplace_back([&memory, this, writer] {
        std::vector<std::byte> data(kBlock * kBlocks, std::byte(writer));
        while (!stop_) {
          memory.write(0, data.data(), data.size());
          memory.zero(kBlock, 2 * kBlock);
        }
      });
  }
  ~Writers() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
  }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  static void expect_whole_blocks(const std::vector<std::byte>& seen) {
    for (std::size_t at = 0; at < seen.size(); at += kBlock)
      ASSERT_EQ(std::count(seen.begin() + long(at), seen.begin() + long(at + kBlock), seen[at]),
                long(kBlock));
  }

 private:
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

TEST(Ramdisk, BlocksNeverTear) {
  auto memory = *RamMemory::map(Writers::kBlock * Writers::kBlocks);
  const Writers writers(*memory);
  std::vector<std::byte> seen(Writers::kBlock * Writers::kBlocks);
  for (int round = 0; round < 2000 && !testing::Test::HasFatalFailure(); ++round) {
    memory->read(0, seen.data(), seen.size());
    Writers::expect_whole_blocks(seen);
  }
}

// Loans that come and go on two threads, of the middle two blocks and of the last two.
TEST(Ramdisk, LoansNeverChangeNorTear) {
  constexpr std::size_t kBytes = 2 * Writers::kBlock;
  auto memory = *RamMemory::map(Writers::kBlock * Writers::kBlocks);
  std::atomic<int> lent = 0;
  const auto borrow = [&](std::size_t first) {
    const std::size_t place = first * Writers::kBlock;
    std::vector<std::byte> seen(kBytes);
    for (int tries = 0; tries < 200'000 && lent < 2000; ++tries) {
      const std::byte* const loan = memory->lend(place, kBytes);
      if (loan == nullptr) {
        memory->read(place, seen.data(), kBytes);
      } else {
        std::copy_n(loan, kBytes, seen.begin());
      }
      Writers::expect_whole_blocks(seen);
      if (first == 1) {
        EXPECT_EQ(std::count(seen.begin(), seen.end(), seen[0]), long(kBytes)) << "one write's, both";
      }
      if (loan == nullptr) continue;
      std::this_thread::yield();
      EXPECT_TRUE(std::equal(seen.begin(), seen.end(), loan));
      memory->take_back(loan, kBytes);
      ++lent;
    }
  };
  {
    const Writers writers(*memory);
    std::thread other(borrow, 1);
    borrow(2);
    other.join();
  }
  EXPECT_GE(lent, 2000);
  const std::vector<std::byte> data(Writers::kBlock * Writers::kBlocks, std::byte{9});
  memory->write(0, data.data(), data.size());
  EXPECT_EQ(memory->resident_bytes(), data.size()) << "nothing is replaced when nothing is lent";
}

class RamBudgetLimit : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/weft_ram_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    put("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root); }
  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  std::string root;
};

TEST_F(RamBudgetLimit, IsHalfOfTheRamWithoutAGroup) {
  EXPECT_EQ(RamBudget::default_limit(root), 8 * kGiB);
}

TEST_F(RamBudgetLimit, IsHalfOfTheSmallestGroupAboveTheProcess) {
  put("/proc/self/cgroup", "0::/system.slice/weft.service\n");
  put("/sys/fs/cgroup/system.slice/weft.service/memory.max", "max\n");
  EXPECT_EQ(RamBudget::default_limit(root), 8 * kGiB);
  put("/sys/fs/cgroup/system.slice/memory.max", "4294967296\n");
  EXPECT_EQ(RamBudget::default_limit(root), 2 * kGiB);
  put("/sys/fs/cgroup/system.slice/weft.service/memory.max", "1073741824\n");
  EXPECT_EQ(RamBudget::default_limit(root), kGiB / 2);
}

TEST_F(RamBudgetLimit, KnowsTheRootOfAContainersGroup) {
  put("/proc/self/cgroup", "0::/\n");
  put("/sys/fs/cgroup/memory.max", "2147483648\n");
  EXPECT_EQ(RamBudget::default_limit(root), kGiB);
}

TEST_F(RamBudgetLimit, KnowsVersion1) {
  put("/proc/self/cgroup", "9:cpu,cpuacct:/x\n5:memory:/box\n");
  put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(RamBudget::default_limit(root), 8 * kGiB);
  put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "1073741824\n");
  EXPECT_EQ(RamBudget::default_limit(root), kGiB / 2);
}

}  // namespace
}  // namespace weft::backends
