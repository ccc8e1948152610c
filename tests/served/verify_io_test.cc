// Reads return what was written: queues, sizes, digests and ways of the data, several commands in flight on
// each queue.
#include <gtest/gtest.h>

#include "block/memory_backend.h"
#include "served/served.h"

namespace weft::served {
namespace {

constexpr std::uint32_t kBlockBytes = 512;
constexpr std::uint64_t kBlocks = 65536;
constexpr std::uint32_t kInFlight = 4;
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

// Each (queue, slot) has a megabyte of the disk for itself.
std::uint64_t place(std::size_t queue, std::uint32_t slot) {
  return (queue * kInFlight + slot) * (kMostBytes / kBlockBytes);
}

void write_and_read(raw_host::HostController& host, std::uint64_t seed) {
  const std::size_t sizes[] = {512, 4096, 8192, 16384, 65536, 131072, 135168, kMostBytes};
  for (const std::size_t bytes : sizes) {
    SCOPED_TRACE(bytes);
    const auto blocks = static_cast<std::uint32_t>(bytes / kBlockBytes);
    std::vector<std::vector<std::uint16_t>> cids(host.io_queues());
    for (std::uint32_t slot = 0; slot < kInFlight; ++slot)
      for (std::size_t queue = 0; queue < host.io_queues(); ++queue)
        cids[queue].push_back(host.submit_write(Nsid(1), {place(queue, slot), blocks},
                                                pattern(bytes, seed + place(queue, slot)), false, queue));
    for (std::size_t queue = 0; queue < host.io_queues(); ++queue)
      for (const std::uint16_t cid : cids[queue]) EXPECT_TRUE(host.io(queue).wait(cid).ok());
    // Each queue reads what its neighbour has written.
    for (std::size_t queue = 0; queue < host.io_queues(); ++queue) {
      cids[queue].clear();
      for (std::uint32_t slot = 0; slot < kInFlight; ++slot)
        cids[queue].push_back(host.submit_read(Nsid(1), {place((queue + 1) % host.io_queues(), slot), blocks},
                                               kBlockBytes, queue));
    }
    for (std::size_t queue = 0; queue < host.io_queues(); ++queue) {
      for (std::uint32_t slot = 0; slot < kInFlight; ++slot) {
        const auto read = host.io(queue).wait(cids[queue][slot]);
        EXPECT_TRUE(read.ok());
        EXPECT_TRUE(read.data == pattern(bytes, seed + place((queue + 1) % host.io_queues(), slot)));
      }
    }
  }
}

TEST(VerifyIo, EveryNumberOfQueuesAndBothDigests) {
  Served served(std::make_shared<block::MemoryBackend>(kBlocks, kBlockBytes), {.reactors = 3});
  std::uint64_t seed = 1;
  for (std::uint16_t queues = 1; queues <= 8; ++queues) {
    const bool hdgst = (queues & 1) != 0;
    const bool ddgst = (queues & 2) != 0;
    SCOPED_TRACE(testing::Message() << queues << " queues, digests " << hdgst << ddgst);
    raw_host::PduLog log;
    raw_host::HostController host(served.host_options(hdgst, ddgst), log);
    host.connect_io(queues);
    write_and_read(host, seed);
    seed += 1'000'000;
  }
}

TEST(VerifyIo, SmallPdusAndAlignment) {
  tcp::Options tcp;
  tcp.max_h2c_data = 4096;
  Served served(std::make_shared<block::MemoryBackend>(kBlocks, kBlockBytes), {.reactors = 2, .tcp = tcp});
  auto options = served.host_options(true, true);
  options.queue.init.hpda = 31;
  options.queue.init.maxr2t = 4;
  options.queue.h2c_sizes = {4, 4096, 100, 1000};
  options.write_in_capsule = false;
  raw_host::PduLog log;
  raw_host::HostController host(options, log);
  host.connect_io(2);
  write_and_read(host, 7);
}

// The kernel's buffers are small: everything goes in pieces.
TEST(VerifyIo, AHostThatReadsSlowly) {
  Served served(std::make_shared<block::MemoryBackend>(kBlocks, kBlockBytes));
  auto options = served.host_options(false, true);
  options.queue.socket.receive_buffer = 4096;
  raw_host::PduLog log;
  raw_host::HostController host(options, log);
  host.connect_io(1);
  write_and_read(host, 9);
}

}  // namespace
}  // namespace weft::served
