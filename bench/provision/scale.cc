// scale [SUBSYSTEMS]: what one more tenant costs when there are many, against 10; default 10000.  Prints
// "name value unit".
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "provision/client.h"
#include "provision/measure.h"
#include "provision/reader.h"

namespace weft::bench {

namespace {

constexpr std::size_t kFew = 10;
constexpr std::size_t kSamples = 300;

// Everything in a tenant's directory, as cat would see it.
void read_tree(const Daemon& daemon, std::size_t number) {
  const std::string path = daemon.tree() + "/nvmet/subsystems/" + tenant_nqn(number);
  char bytes[4096];
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;  // write-only
    if (::read(fd, bytes, sizeof(bytes)) < 0) give_up(entry.path().string());
    ::close(fd);
  }
}

struct Costs {
  double create_ms = 0;
  double connect_ms = 0;
  double read_tree_ms = 0;
};

// With `present` tenants; the medians.
Costs measure(const Daemon& daemon, std::uint16_t port, std::size_t present) {
  const auto client = make_tree_client(daemon, port);
  Times create;
  Times connect;
  Times read;
  for (std::size_t i = 0; i < kSamples; ++i) {
    create.each_ms.push_back(time_ms([&] { client->create(present); }));
    client->remove(present);
    const std::size_t one = i * 7919 % present;
    connect.each_ms.push_back(time_ms([&] { connect_once(port, tenant_nqn(one)); }));
    read.each_ms.push_back(time_ms([&] { read_tree(daemon, one); }));
  }
  return {create.percentile(50), connect.percentile(50), read.percentile(50)};
}

void run(std::size_t many) {
  const Folder folder("/dev/shm");
  const Daemon daemon(folder);
  make_adapter(daemon);
  const std::uint16_t port = free_port();
  const auto create = [&](std::size_t first, std::size_t count) {
    run_clients(
        8, first, count, [&] { return make_tree_client(daemon, port); },
        [](Client& client, std::size_t number) { client.create(number); });
  };
  create(0, kFew);
  const Costs few = measure(daemon, port, kFew);
  const std::uint64_t before = daemon.resident_bytes();
  create(kFew, many - kFew);
  const std::uint64_t after = daemon.resident_bytes();
  const Costs then = measure(daemon, port, many);
  print("scale.create_10", few.create_ms, "ms");
  print("scale.connect_10", few.connect_ms, "ms");
  print("scale.read_tree_10", few.read_tree_ms, "ms");
  print("scale.create", then.create_ms / few.create_ms, "ratio");
  print("scale.connect", then.connect_ms / few.connect_ms, "ratio");
  print("scale.read_tree", then.read_tree_ms / few.read_tree_ms, "ratio");
  print("scale.tenant_memory", static_cast<double>(after - before) / 1024 / static_cast<double>(many - kFew),
        "KiB");
}

}  // namespace

}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  const std::size_t many = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10000;
  if (many <= kFew) give_up("usage: scale [SUBSYSTEMS]   more than 10");
  run(many);
}
