// weft_filtered_weftd: weftd's server with the filters of block/ above each of its backends, steered by
// standard input.  Each line is answered by "ok" on standard output.
//
//   fail OPS ERRNO COUNT   as many of these operations are answered with that error: read,write,flush
//   clear                  none any more
//   hold OPS               these are held back from the backend
//   release                and go to it, in order
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <thread>

#include "block/delay.h"
#include "block/fault.h"
#include "block/volatile.h"
#include "config/document.h"
#include "daemon/log.h"
#include "daemon/read_file.h"
#include "daemon/server.h"
#include "daemon/signals.h"

namespace weft::soak {

namespace {

struct Options {
  std::string config;
  bool forgets = false;
  daemon::ServerOptions server;
};

std::uint32_t ops_of(const std::string& names) {
  std::uint32_t ops = 0;
  if (names.find("read") != std::string::npos) ops |= op_bit(block::Op::read);
  if (names.find("write") != std::string::npos) ops |= op_bit(block::Op::write);
  if (names.find("flush") != std::string::npos) ops |= op_bit(block::Op::flush);
  return ops;
}

// All that was opened, for as long as the server has it.
class Filters {
 public:
  std::shared_ptr<block::Backend> put(std::shared_ptr<block::Backend> backend, bool forgets) {
    if (forgets) backend = std::make_shared<block::VolatileBackend>(std::move(backend));
    auto fault = std::make_shared<block::FaultBackend>(std::move(backend));
    auto delay = std::make_shared<block::DelayBackend>(fault);
    const std::scoped_lock lock(mutex_);
    all_.push_back({fault, delay});
    return delay;
  }

  bool obey(std::istringstream words) {
    std::string word, ops;
    words >> word >> ops;
    const std::scoped_lock lock(mutex_);
    for (const auto& [weak_fault, weak_delay] : all_) {
      const auto fault = weak_fault.lock();
      const auto delay = weak_delay.lock();
      if (fault == nullptr || delay == nullptr) continue;
      if (word == "fail") {
        block::Fault planned{.match = {.ops = ops_of(ops)}};
        words >> planned.error >> planned.count;
        fault->plan(planned);
      } else if (word == "clear") {
        fault->clear();
      } else if (word == "hold") {
        delay->hold({.ops = ops_of(ops)});
      } else if (word == "release") {
        delay->release();
      } else {
        return false;
      }
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::weak_ptr<block::FaultBackend>, std::weak_ptr<block::DelayBackend>>> all_;
};

int run(Options& options) {
  daemon::Signals signals{SIGTERM, SIGINT};
  if (!daemon::start_log("info")) return 2;
  daemon::LogJournal journal;
  Filters filters;
  options.server.filter = [&](std::shared_ptr<block::Backend> backend) {
    return filters.put(std::move(backend), options.forgets);
  };
  const auto text = daemon::read_file(options.config);
  auto parsed = text ? config::parse_document(*text) : std::unexpected(text.error());
  auto server = parsed ? daemon::Server::start(options.server, journal) : std::unexpected(parsed.error());
  if (!server) {
    fmt::print(stderr, "{}\n", server.error().message);
    return 1;
  }
  (*server)->apply(parsed->document);
  // Ends with the process: nobody tells it to.
  std::thread([&filters] {
    for (std::string line; std::getline(std::cin, line);) {
      fmt::print("{}\n", filters.obey(std::istringstream(line)) ? "ok" : "unknown");
      (void)std::fflush(stdout);
    }
  }).detach();
  signals.wait();
  signals.release();
  const bool stopped = (*server)->stop();
  daemon::stop_log();
  if (!stopped) daemon::Server::abandon();
  server->reset();
  std::_Exit(0);  // not before that thread: it still waits for input
}

}  // namespace

}  // namespace weft::soak

int main(int argc, char** argv) {
  weft::soak::Options options;
  CLI::App app(
      "weft_filtered_weftd: weftd with filters above its backends; see tests/soak/filtered_weftd.cc");
  app.add_option("--config", options.config, "as weftd's")->required();
  app.add_option("--state-dir", options.server.state_dir, "as weftd's")->required();
  app.add_flag("--volatile", options.forgets, "what was not flushed is lost with the process");
  CLI11_PARSE(app, argc, argv);
  return weft::soak::run(options);
}
