// provision [TENANTS]: what it takes to create and to delete tenants; default 1000.  Prints "name value
// unit".
//
// 8 clients at once, through the tree and through the socket, with every change durable: with the store in
// memory (/dev/shm), on disk ($TMPDIR), and in memory while 200 other tenants' backends hang in open.  Then
// what others wait for in the directory of a device whose close hangs, and 50 tenants a second while a host
// reads.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "hang_fs/mounted_hang_fs.h"
#include "provision/client.h"
#include "provision/measure.h"
#include "provision/reader.h"

namespace weft::bench {

namespace {

constexpr std::size_t kClients = 8;
constexpr std::size_t kHanging = 200;
constexpr const char* kMemory = "/dev/shm";

std::string disk_folder() {
  const char* const named = std::getenv("TMPDIR");
  return named == nullptr ? "/var/tmp" : named;
}

void report(const std::string& name, const Times& times) {
  print(name + "_total", times.total_s, "s");
  print(name + "_p50", times.percentile(50), "ms");
  print(name + "_p99", times.percentile(99), "ms");
}

struct Made {
  double create_p99 = 0;
  std::size_t durable_steps = 0;
};

Made create_and_delete(const std::string& name, std::size_t tenants, const MakeClient& make) {
  const Times created = run_clients(kClients, 0, tenants, make,
                                    [](Client& client, std::size_t number) { client.create(number); });
  report(name + ".create", created);
  report(name + ".delete", run_clients(kClients, 0, tenants, make,
                                       [](Client& client, std::size_t number) { client.remove(number); }));
  return {created.percentile(99), make()->durable_steps()};
}

// What a write of a page and fdatasync take beside the store, one each 10 ms while `meanwhile` runs.
double sync_p99(const Folder& folder, const std::function<void()>& meanwhile) {
  const int fd = ::open((folder / "sync").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::string page(4096, 'x');
  std::atomic<bool> end = false;
  Times times;
  std::jthread syncer([&] {
    while (!end) {
      times.each_ms.push_back(time_ms([&] {
        if (::write(fd, page.data(), page.size()) < 0 || ::fdatasync(fd) != 0) give_up("fdatasync");
      }));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  meanwhile();
  end = true;
  syncer.join();
  ::close(fd);
  return times.percentile(99);
}

void in_memory(std::size_t tenants) {
  const Folder folder(kMemory);
  const Daemon daemon(folder);
  make_adapter(daemon);
  const std::uint16_t port = free_port();
  create_and_delete("provision.tree", tenants, [&] { return make_tree_client(daemon, port); });
  create_and_delete("provision.socket", tenants, [&] { return make_socket_client(daemon, port); });
}

void on_disk(std::size_t tenants) {
  const Folder folder(disk_folder());
  const Daemon daemon(folder);
  make_adapter(daemon);
  const std::uint16_t port = free_port();
  const double idle_ms = sync_p99(folder, [] { std::this_thread::sleep_for(std::chrono::seconds(2)); });
  print("provision.disk.idle_fdatasync_p99", idle_ms, "ms");
  const auto compare = [&](const std::string& name, const MakeClient& make) {
    Made made;
    const double sync_ms = sync_p99(folder, [&] { made = create_and_delete(name, tenants, make); });
    const double limit = 1.5 * static_cast<double>(made.durable_steps) * sync_ms;
    print(name + ".fdatasync_p99", sync_ms, "ms");
    print(name + ".durable_steps", static_cast<double>(made.durable_steps), "steps");
    print(name + ".limit", limit, "ms");
    print(name + ".create_p99_to_limit", made.create_p99 / limit, "ratio");
  };
  compare("provision.disk", [&] { return make_tree_client(daemon, port); });
  compare("provision.disk_socket", [&] { return make_socket_client(daemon, port); });
}

// Tenants whose backends are asked to open a file that never answers.
void hang(const Daemon& daemon, const e2e::MountedHangFs& files) {
  const auto begin = [&](Client&, std::size_t number) {
    const std::string disk = fmt::format("/v1/tree/target/core/fileio_1/hang{}", number);
    ask(daemon, "POST", disk, {{"kind", "directory"}});
    ask(daemon, "PUT", disk + "/control",
        {{"value", "fd_dev_name=" + files.file(static_cast<unsigned>(number))}});
    ask(daemon, "PUT", disk + "/enable", {{"value", "1"}}, false);
    const std::string nqn = fmt::format("/v1/tree/nvmet/subsystems/nqn.2026-01.io.example:hang{}", number);
    ask(daemon, "POST", nqn, {{"kind", "directory"}});
    ask(daemon, "POST", nqn + "/namespaces/1", {{"kind", "directory"}});
    ask(daemon, "POST", nqn + "/namespaces/1/disk",
        {{"kind", "link"}, {"target", fmt::format("/target/core/fileio_1/hang{}", number)}});
  };
  ask(daemon, "POST", "/v1/tree/target/core/fileio_1", {{"kind", "directory"}});
  run_clients(32, 0, kHanging, [&] { return make_socket_client(daemon, 0); }, begin);
  const auto status = ask(daemon, "GET", "/v1/status", nullptr);
  if (status.at("devices").at("opening") != kHanging) give_up("the backends do not hang: " + status.dump());
}

void while_others_hang(std::size_t tenants) {
  const Folder folder(kMemory);
  const Daemon daemon(folder);
  std::string why;
  std::filesystem::create_directory(folder / "hang");
  const auto files = e2e::MountedHangFs::mount("open", folder / "hang", why);
  if (files == nullptr) return void(fmt::print("provision.hanging skipped: {}\n", why));
  files->begin_to_hang();
  hang(daemon, *files);
  make_adapter(daemon);
  const std::uint16_t port = free_port();
  create_and_delete("provision.hanging", tenants, [&] { return make_tree_client(daemon, port); });
  create_and_delete("provision.hanging_socket", tenants, [&] { return make_socket_client(daemon, port); });
}

// What others wait for in the directory in which a device goes whose close never answers.
void beside_a_hanging_rmdir() {
  constexpr int kRounds = 500;
  const Folder folder(kMemory);
  const Daemon daemon(folder);
  std::string why;
  std::filesystem::create_directory(folder / "hang");
  const auto files = e2e::MountedHangFs::mount("close", folder / "hang", why);
  if (files == nullptr) return void(fmt::print("provision.beside_hanging_rmdir_max skipped: {}\n", why));
  const std::string adapter = "/v1/tree/target/core/fileio_1";
  ask(daemon, "POST", adapter, {{"kind", "directory"}});
  ask(daemon, "POST", adapter + "/hanging", {{"kind", "directory"}});
  ask(daemon, "PUT", adapter + "/hanging/control", {{"value", "fd_dev_name=" + files->file(0)}});
  ask(daemon, "PUT", adapter + "/hanging/enable", {{"value", "1"}});
  files->begin_to_hang();
  const std::string directory = daemon.tree() + "/target/core/fileio_1";
  std::jthread remover([&] { std::filesystem::remove(directory + "/hanging"); });
  double longest = 0;
  const std::string other = directory + "/other";
  for (int i = 0; i < kRounds; ++i) {
    longest = std::max(longest, time_ms([&] { std::filesystem::create_directory(other); }));
    longest = std::max(longest, time_ms([&] {
                         for (const auto& each : std::filesystem::directory_iterator(directory)) (void)each;
                       }));
    longest = std::max(longest, time_ms([&] { std::filesystem::remove(other); }));
  }
  const auto status = ask(daemon, "GET", "/v1/status", nullptr);
  if (status.at("goings_on").empty()) give_up("the device does not hang: " + status.dump());
  print("provision.beside_hanging_rmdir_max", longest, "ms");
}

double longest_turn_ms(const Daemon& daemon) {
  double longest = 0;
  const auto status = ask(daemon, "GET", "/v1/status", nullptr);
  for (const auto& each : status.at("reactors"))
    longest = std::max(longest, each.at("longest_turn_ns").get<double>() / 1e6);
  return longest;
}

// 50 tenants a second, each deleted after the next is there.
void paced(const Daemon& daemon, std::uint16_t port, std::chrono::seconds time) {
  const auto client = make_tree_client(daemon, port);
  const auto start = Clock::now();
  for (std::size_t number = 1; Clock::now() - start < time; ++number) {
    client->create(number);
    if (number > 1) client->remove(number - 1);
    std::this_thread::sleep_until(start + number * std::chrono::milliseconds(20));
  }
}

void while_a_host_reads() {
  constexpr auto kTime = std::chrono::seconds(5);
  constexpr std::uint64_t kBytes = 65536;
  const Folder folder(kMemory);
  const Daemon daemon(folder);
  make_adapter(daemon);
  const std::uint16_t port = free_port();
  make_tree_client(daemon, port)->create(0);
  const auto read_during = [&](const std::function<void()>& meanwhile) {
    std::atomic<bool> end = false;
    Times times;
    std::jthread reader([&] { times = read_until(port, tenant_nqn(0), kBytes, end); });
    meanwhile();
    end = true;
    reader.join();
    return times;
  };
  const Times before = read_during([&] { std::this_thread::sleep_for(kTime); });
  const Times during = read_during([&] { paced(daemon, port, kTime); });
  print("provision.reader_before_p99", before.percentile(99), "ms");
  print("provision.reader_during_p99", during.percentile(99), "ms");
  print("provision.reader_p99_growth", during.percentile(99) / before.percentile(99), "ratio");
  print("provision.longest_turn", longest_turn_ms(daemon), "ms");
}

}  // namespace

}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  const std::size_t tenants = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  if (tenants == 0) give_up("usage: provision [TENANTS]");
  in_memory(tenants);
  on_disk(tenants);
  while_others_hang(tenants);
  beside_a_hanging_rmdir();
  while_a_host_reads();
}
