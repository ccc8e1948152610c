#include "sim/workers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "base/reached.h"

namespace weft::sim {

namespace {

constexpr int kFailed = 3;  // other statuses are those of crashes
constexpr unsigned kMostSeconds = 600;

std::string failure_of(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == kFailed) return "it failed";
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "it never ends";
  if (WIFSIGNALED(status)) return fmt::format("it crashed: {}", ::strsignal(WTERMSIG(status)));
  return "it crashed";
}

void be_silent() {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
}

}  // namespace

void Workers::start(const std::function<bool()>& work, Then then) {
  while (running_.size() >= most_) wait_for_one();
  (void)std::fflush(nullptr);
  const pid_t worker = ::fork();
  if (worker < 0) throw std::runtime_error(fmt::format("fork: {}", ::strerror(errno)));
  if (worker == 0) {
    ::alarm(kMostSeconds);
    if (output_ == Output::none) be_silent();
    const bool good = work();
    (void)std::fflush(nullptr);
    keep_coverage();
    ::_exit(good ? 0 : kFailed);
  }
  running_.emplace(worker, std::move(then));
}

void Workers::wait() {
  while (!running_.empty()) wait_for_one();
}

void Workers::wait_for_one() {
  int status = 0;
  const pid_t worker = ::wait(&status);
  const auto found = running_.find(worker);
  if (found == running_.end()) throw std::runtime_error("a process ended that nobody started");
  const Then then = std::move(found->second);
  running_.erase(found);
  then(failure_of(status));
}

}  // namespace weft::sim
