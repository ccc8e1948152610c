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

// A daemon with so many tenants, and what one more costs it.
class Side {
 public:
  explicit Side(std::size_t tenants) : tenants_(tenants) {
    make_adapter(daemon_);
    create(0, kFew);
    few_bytes_ = daemon_.resident_bytes();
    create(kFew, tenants - kFew);
    client_ = make_tree_client(daemon_, port_);
  }

  void sample(std::size_t round) {
    create_.each_ms.push_back(time_ms([&] { client_->create(tenants_); }));
    // Of a tenant that was read before, the kernel knows names: with 10, that would be all of them.
    read_.each_ms.push_back(time_ms([&] { read_tree(daemon_, tenants_); }));
    client_->remove(tenants_);
    const std::size_t one = round * 7919 % tenants_;
    connect_.each_ms.push_back(time_ms([&] { connect_once(port_, tenant_nqn(one)); }));
  }

  double create_ms() const { return create_.percentile(50); }
  double connect_ms() const { return connect_.percentile(50); }
  double read_ms() const { return read_.percentile(50); }
  double tenant_kib() const {
    return static_cast<double>(all_bytes_ - few_bytes_) / 1024 / static_cast<double>(tenants_ - kFew);
  }

 private:
  void create(std::size_t first, std::size_t count) {
    run_clients(
        8, first, count, [&] { return make_tree_client(daemon_, port_); },
        [](Client& client, std::size_t number) { client.create(number); });
    all_bytes_ = daemon_.resident_bytes();
  }

  const std::size_t tenants_;
  const Folder folder_{"/dev/shm"};
  const Daemon daemon_{folder_};
  const std::uint16_t port_ = free_port();
  std::unique_ptr<Client> client_;
  Times create_;
  Times connect_;
  Times read_;
  std::uint64_t few_bytes_ = 0;
  std::uint64_t all_bytes_ = 0;
};

// In turns, so that what else the machine does meets both.
void run(std::size_t many) {
  Side few(kFew);
  Side all(many);
  for (std::size_t round = 0; round < kSamples; ++round) {
    few.sample(round);
    all.sample(round);
  }
  print("scale.create_10", few.create_ms(), "ms");
  print("scale.connect_10", few.connect_ms(), "ms");
  print("scale.read_tree_10", few.read_ms(), "ms");
  print("scale.create", all.create_ms() / few.create_ms(), "ratio");
  print("scale.connect", all.connect_ms() / few.connect_ms(), "ratio");
  print("scale.read_tree", all.read_ms() / few.read_ms(), "ratio");
  print("scale.tenant_memory", all.tenant_kib(), "KiB");
}

}  // namespace

}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  const std::size_t many = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10000;
  if (many <= kFew) give_up("usage: scale [SUBSYSTEMS]   more than 10");
  run(many);
}
