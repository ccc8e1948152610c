#include "transport/tcp_bed.h"

#include <sched.h>

#include <chrono>
#include <thread>
#include <vector>

namespace weft::bench {

namespace {

std::unique_ptr<reactor::Reactors> reactor_on(unsigned cpu, std::optional<Duration> spin, const char* name) {
  return must(reactor::Reactors::start({.count = 1, .cpus = {cpu}, .spin = spin, .name = name}));
}

}  // namespace

Pinning two_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> all;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) all.push_back(cpu);
  if (all.size() < 2)
    give_up(fmt::format("it takes two CPUs, one for each side; this process may use {}", all.size()));
  return {.host = all[1], .target = all[0]};
}

TcpBed::TcpBed(Pinning pinning, std::optional<Duration> spin)
    : pinning_(pinning),
      there_(reactor_on(pinning.target, spin, "target")),
      here_(reactor_on(pinning.host, spin, "host")) {}

TcpBed::~TcpBed() {
  listener_.reset();
  served_.stop();
  transport_.shut_down();
  while (transport_.connections() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  here_->stop();
  there_->stop();
}

host::Options TcpBed::options(unsigned connections, std::uint64_t host) const {
  auto options =
      host_options({"127.0.0.1", listener_->trsvcid(), kNqn}, static_cast<std::uint16_t>(connections));
  options.identity.nqn += fmt::format("-{}", host);
  for (std::size_t i = 0; i < sizeof host; ++i)
    options.identity.id[i] = static_cast<std::uint8_t>(host >> (8 * i));
  return options;
}

std::unique_ptr<host::Namespace> TcpBed::open(Nsid nsid, const host::Options& options) {
  return must(host::Namespace::open(*here_, {.ways = {{&initiator_, options}}, .nsid = nsid}));
}

}  // namespace weft::bench
