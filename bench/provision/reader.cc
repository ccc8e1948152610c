#include "provision/reader.h"

#include <map>

#include "base/dice.h"
#include "raw_host/host_controller.h"

namespace weft::bench {

namespace {

constexpr std::size_t kDepth = 32;
constexpr std::uint32_t kReadBytes = 4096;

raw_host::HostOptions options(std::uint16_t port, const std::string& nqn) {
  raw_host::HostOptions options;
  options.queue.port = port;
  options.subnqn = nqn;
  return options;
}

}  // namespace

Times read_until(std::uint16_t port, const std::string& nqn, std::uint64_t bytes,
                 const std::atomic<bool>& end) {
  raw_host::PduLog log;
  raw_host::HostController host(options(port, nqn), log);
  host.connect_io(1);
  raw_host::RawQueue& queue = host.io(0);
  const auto id = host.identify_namespace(Nsid(1));
  const std::uint32_t block_bytes = 1u << id.lbaf[id.flbas & 0xF].lbads;
  const std::uint32_t blocks = kReadBytes / block_bytes;
  Dice dice(1);
  std::map<std::uint16_t, Clock::time_point> began;
  const auto submit = [&] {
    const std::uint64_t place = dice.next() % (bytes / kReadBytes) * blocks;
    began[host.submit_read(Nsid(1), {place, blocks}, block_bytes)] = Clock::now();
  };
  Times times;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < kDepth; ++i) submit();
  while (!began.empty()) {
    queue.receive_one();
    for (auto it = began.begin(); it != began.end();) {
      if (!queue.is_completed(it->first)) {
        ++it;
        continue;
      }
      if (!queue.wait(it->first).ok()) give_up("a read failed");
      times.each_ms.push_back(Milliseconds(Clock::now() - it->second).count());
      it = began.erase(it);
    }
    while (!end && began.size() < kDepth) submit();
  }
  times.total_s = Milliseconds(Clock::now() - start).count() / 1000;
  host.disconnect();
  return times;
}

void connect_once(std::uint16_t port, const std::string& nqn) {
  raw_host::PduLog log;
  raw_host::HostController(options(port, nqn), log).disconnect();
}

}  // namespace weft::bench
