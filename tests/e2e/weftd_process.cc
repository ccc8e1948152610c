#include "e2e/weftd_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace weft::e2e {

namespace {

using namespace std::chrono_literals;

constexpr auto kStartTime = 2min;
constexpr auto kPollTime = 5ms;

// One that is free now; somebody may take it before it is used.
std::uint16_t free_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, raw, bytes) != 0 || ::getsockname(fd, raw, &bytes) != 0)
    throw std::runtime_error("there is no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string read_all(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

WeftdProcess::WeftdProcess(Options options) : options_(std::move(options)) {
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i)
    if (start()) return;
  throw std::runtime_error("weftd does not listen:\n" + log());
}

WeftdProcess::~WeftdProcess() {
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

// False when the port was taken by another.
bool WeftdProcess::start() {
  const char* const programs = std::getenv("WEFT_BIN_DIR");
  if (programs == nullptr) throw std::runtime_error("WEFT_BIN_DIR is not set");
  port_ = free_port();
  write_config();
  std::vector<std::string> words = options_.wrapper;
  for (const std::string& word :
       {std::string(programs) + "/weftd", std::string("--config"), options_.directory + "/weft.json",
        std::string("--state-dir"), options_.directory + "/state", std::string("--reactors"),
        std::to_string(options_.reactors), std::string("--socket"), std::string("none")})
    words.push_back(word);
  spawn(words);
  if (await_listening()) return true;
  if (log().find("in use") == std::string::npos) throw std::runtime_error("weftd does not listen:\n" + log());
  terminate();
  if (!wait(kStartTime)) throw std::runtime_error("weftd does not end:\n" + log());
  return false;
}

void WeftdProcess::write_config() const {
  std::ofstream(options_.directory + "/weft.json") << fmt::format(
      R"({{"version": 1, "target": {{"core": {}}},
 "nvmet": {{"subsystems": {{"{}": {{"attr_allow_any_host": 1, "namespaces": {},
   "ports": {{"tcp:127.0.0.1:{}": {{"enable": 1}}}}}}}}}}}})",
      options_.core, kNqn, options_.namespaces, port_);
}

void WeftdProcess::reload(std::string core, std::string namespaces) {
  constexpr std::string_view kDone = "configuration loaded again";
  const std::size_t before = log().size();
  options_.core = std::move(core);
  options_.namespaces = std::move(namespaces);
  write_config();
  ::kill(pid_, SIGHUP);
  const auto end = std::chrono::steady_clock::now() + kStartTime;
  while (log().find(kDone, before) == std::string::npos)
    if (wait(kPollTime) || std::chrono::steady_clock::now() > end)
      throw std::runtime_error("weftd does not load its configuration again:\n" + log());
}

void WeftdProcess::spawn(const std::vector<std::string>& words) {
  std::vector<std::string> environment = options_.environment;
  for (char** each = environ; *each != nullptr; ++each) environment.emplace_back(*each);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  const std::string file = options_.directory + "/log";
  ::posix_spawn_file_actions_addopen(&actions, 1, file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
                                     0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  status_.reset();
  const int error = ::posix_spawnp(&pid_, words.front().c_str(), &actions, nullptr, pointers(words).data(),
                                   pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + words.front());
}

bool WeftdProcess::await_listening() {
  const auto end = std::chrono::steady_clock::now() + kStartTime;
  const std::string line = fmt::format("listening on tcp:127.0.0.1:{}\n", port_);
  while (log().find(line) == std::string::npos) {
    if (wait(kPollTime) || std::chrono::steady_clock::now() > end) return false;
    if (log().find("in use") != std::string::npos) return false;
  }
  return true;
}

std::string WeftdProcess::log() const {
  return read_all(options_.directory + "/log");
}

void WeftdProcess::terminate() {
  if (!status_) ::kill(pid_, SIGTERM);
}

std::optional<int> WeftdProcess::wait(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!status_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = status;
      break;
    }
    if (std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(kPollTime);
  }
  return status_;
}

int run(const std::vector<std::string>& words) {
  pid_t pid = -1;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error =
      ::posix_spawnp(&pid, words.front().c_str(), &actions, nullptr, pointers(words).data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace weft::e2e
