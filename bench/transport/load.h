// A target of namespaces in this process, and a load on it from the host library.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "backends/ramdisk/ram_budget.h"
#include "bench/must.h"
#include "block/plugin.h"
#include "cli/bench/workload.h"
#include "host/namespace.h"
#include "reactor/reactor.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transport/wire_pair.h"

namespace weft::bench {

inline constexpr const char* kNqn = "nqn.2024-01.weft.bench:transport";
inline constexpr struct {
  Nsid nsid;
  const char* name;
} kBackends[] = {{Nsid(1), "null"}, {Nsid(2), "ramdisk"}, {Nsid(3), "file"}};

// All of kBackends, of 256 MiB each; the file is in the directory of temporary files, by direct I/O.
class Served {
 public:
  explicit Served(reactor::Reactors& reactors);
  void stop();  // before its end
  target::Port& port() { return *port_; }
  const std::string& file() const { return file_; }

 private:
  void add(std::size_t index, const block::Plugin& plugin, block::ControlValues control);

  const std::string file_;
  backends::RamBudget budget_{backends::RamBudget::default_limit()};
  target::Target target_;
  std::shared_ptr<target::Port> port_;
  std::shared_ptr<target::Subsystem> subsystem_;
};

// Writes all of it once: what was never written is read in another way.
void fill(host::Namespace& remote);

host::Options host_options(const host::Address& address, std::uint16_t queues);

double cpu_s(Loop& loop);  // of its thread

// Warms up for a while, then measures for `time`, on all queues of the namespaces at once.  The CPU time is
// that of the two loops.
Figures measure(const std::vector<host::Namespace*>& remotes, const cli::bench::Workload& workload,
                Loop& host, Loop& target, std::chrono::milliseconds time);

}  // namespace weft::bench
