#include "transport/load.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "backends/file/file.h"
#include "backends/null/null.h"
#include "backends/ramdisk/ramdisk.h"
#include "base/run_on.h"
#include "cli/bench/generator.h"
#include "wire/io_command.h"

namespace weft::bench {

namespace {

constexpr auto kWarmUp = std::chrono::milliseconds(100);

}  // namespace

double cpu_s(Loop& loop) {
  double used = 0;
  run_on(loop, [&used] { used = thread_cpu_s(); });
  return used;
}

Served::Served(reactor::Reactors& reactors)
    : file_(std::filesystem::temp_directory_path() / fmt::format("weft-bench-{}", ::getpid())),
      target_(reactors) {
  port_ = must(target_.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "0"}));
  subsystem_ = must(target_.add_subsystem(kNqn));
  (void)subsystem_->change_settings([](target::SubsystemSettings& settings) -> Result<> {
    settings.allow_any_host = true;
    return {};
  });
  add(0, backends::make_null_plugin(), {{"size", "256M"}});
  add(1, backends::make_ramdisk_plugin(budget_), {{"size", "256M"}});
  add(2, backends::make_file_plugin(reactors),
      {{"fd_dev_name", file_}, {"fd_dev_size", "256M"}, {"create", "1"}});
  port_->link(subsystem_);
}

void Served::add(std::size_t index, const block::Plugin& plugin, block::ControlValues control) {
  auto backend = must(plugin.open({fmt::format("{}_0/bench", plugin.name), {}, std::move(control)}));
  must(subsystem_->add_namespace(kBackends[index].nsid, {.backend = std::move(backend)}));
}

void Served::stop() {
  (void)target_.shut_down(std::chrono::seconds(10));
  std::promise<void> removed;
  must(target_.remove_subsystem(kNqn, [&removed] { removed.set_value(); }));
  removed.get_future().wait();
  subsystem_.reset();
  std::filesystem::remove(file_);
}

void fill(host::Namespace& remote) {
  std::vector<std::byte> data(std::min<std::size_t>(remote.max_transfer_bytes(), 1 << 20), std::byte{0x5A});
  const std::uint64_t blocks = data.size() / remote.info().block_bytes;
  for (std::uint64_t at = 0; at + blocks <= remote.blocks(); at += blocks)
    must(remote.io(wire::make_write({.nsid = remote.info().nsid,
                                     .range = {.slba = at, .blocks = static_cast<std::uint32_t>(blocks)}}),
                   data));
}

host::Options host_options(const host::Address& address, std::uint16_t queues) {
  return {.identity = {.nqn = "nqn.2024-01.weft.bench:host", .id = {1}},
          .address = address,
          .io_queues = queues,
          .queue_entries = 129};
}

Figures measure(const std::vector<host::Namespace*>& remotes, const cli::bench::Workload& workload,
                Loop& host, Loop& target, std::chrono::milliseconds time) {
  cli::bench::Run run;
  run.workload = workload;
  std::vector<std::unique_ptr<cli::bench::Generator>> generators;
  for (host::Namespace* const remote : remotes) {
    const host::NamespaceInfo& info = remote->info();
    const std::uint64_t blocks = info.bytes() / workload.block_bytes;
    for (std::size_t i = 0; i < remote->io_queues(); ++i)
      generators.push_back(std::make_unique<cli::bench::Generator>(run, remote->io_queue(i), info, 0, blocks,
                                                                   1, generators.size()));
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t ended = 0;
  for (const auto& each : generators)
    each->start([&] {
      const std::scoped_lock lock(mutex);
      ++ended;
      changed.notify_all();
    });
  std::this_thread::sleep_for(kWarmUp);
  const double host_before = cpu_s(host);
  const double target_before = cpu_s(target);
  run.measures = true;
  const auto began = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(time);
  run.measures = false;
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double host_used = cpu_s(host) - host_before;
  const double target_used = cpu_s(target) - target_before;
  run.stops = true;
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ended == generators.size(); });
  }
  Figures figures;
  for (const auto& each : generators) {
    if (!each->failure().empty()) must(Result<int>(fail(EIO, each->failure())));
    figures.times.add(each->reads());
    figures.times.add(each->writes());
  }
  const double count = std::max<double>(static_cast<double>(figures.times.count()), 1);
  figures.per_second = count / took;
  figures.host_cpu_s = host_used * 1e6 / count;
  figures.target_cpu_s = target_used * 1e6 / count;
  return figures;
}

}  // namespace weft::bench
