// weftd as a process of a test's own, with a configuration, and how it ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::e2e {

class WeftdProcess {
 public:
  struct Options {
    std::string directory;                 // for the configuration, the state and the log; the caller's
    std::string core;                      // JSON: what is in target/core
    std::string namespaces;                // JSON: those of the one subsystem
    std::vector<std::string> wrapper;      // words before weftd's own; the process stays the caller's child
    std::vector<std::string> environment;  // NAME=VALUE beside the caller's
    unsigned reactors = 2;
  };
  static constexpr std::string_view kNqn = "nqn.2014-08.org.weft:e2e";

  // Returns when it listens.  Throws std::runtime_error, with its log, when it does not within two minutes.
  explicit WeftdProcess(Options options);
  ~WeftdProcess();  // SIGKILL, when it has not ended
  WeftdProcess(const WeftdProcess&) = delete;
  WeftdProcess& operator=(const WeftdProcess&) = delete;

  pid_t pid() const { return pid_; }
  std::uint16_t port() const { return port_; }
  std::string log() const;  // what it said so far

  // Another configuration on the same port.  Returns when it is applied, which may leave devices opening.
  void reload(std::string core, std::string namespaces);
  void terminate();  // SIGTERM
  // The status of waitpid; empty when it has not ended in time.
  std::optional<int> wait(std::chrono::milliseconds time);

 private:
  bool start();
  void spawn(const std::vector<std::string>& words);
  bool await_listening();

  void write_config() const;

  Options options_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// A program that the build made or the system has, run to its end: its exit status, -1 when it does not
// start.
int run(const std::vector<std::string>& words);

}  // namespace weft::e2e
