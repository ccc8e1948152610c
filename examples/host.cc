// A host of one's own: who serves the namespace, and 1,000 random reads, 32 at once.
//
//   g++ -std=c++23 host.cc $(pkg-config --cflags --libs weft-host) -o host
//   ./host tcp://127.0.0.1/nqn.2026-01.com.example:disks
#include <weft/host.h>

#include <cstdio>
#include <cstdlib>
#include <list>
#include <random>
#include <semaphore>
#include <vector>

namespace {

constexpr int kReads = 1000;
constexpr int kAtOnce = 32;
constexpr std::size_t kBytes = 4096;

int refuse(const weft::client::Failure& why) {
  std::fprintf(stderr, "host: %s\n", why.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: host tcp://HOST[:PORT]/NQN\n");
    return 2;
  }
  const auto host = weft::client::Host::start({.threads = 2, .queues = 2});
  if (!host) return refuse(host.error());
  const auto opened = (*host)->open(argv[1]);
  if (!opened) return refuse(opened.error());
  weft::client::Namespace& disk = **opened;
  std::printf("namespace %u: %llu bytes\n", disk.nsid(), static_cast<unsigned long long>(disk.bytes()));
  for (const auto& way : disk.ways())
    std::printf("by %s port %s: %s %s\n", way.traddr.c_str(), way.trsvcid.c_str(), way.state.c_str(),
                way.ana_state.c_str());

  std::counting_semaphore<kAtOnce> ended(0);
  std::mt19937_64 random;
  const std::uint64_t places = disk.bytes() / kBytes;
  if (places == 0) return 0;
  int failed = 0;
  std::list<weft::client::Command> commands(kAtOnce);
  std::vector<std::byte> memory(kAtOnce * kBytes);
  for (int left = kReads; left > 0; left -= kAtOnce) {
    std::byte* into = memory.data();
    for (auto& command : commands) {
      command.kind = weft::client::Command::Kind::read;
      command.offset = random() % places * kBytes;
      command.data = {{into, kBytes}};
      command.done = [&ended](weft::client::Command&) { ended.release(); };
      into += kBytes;
      disk.submit(command, random() % disk.queues());
    }
    for (int i = 0; i < kAtOnce; ++i) ended.acquire();
    for (const auto& command : commands) failed += command.ok() ? 0 : 1;
  }
  std::printf("%d reads, %d failed\n", (kReads + kAtOnce - 1) / kAtOnce * kAtOnce, failed);
  return failed == 0 ? 0 : 1;
}
