#include "provision/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

namespace weft::bench {

namespace {

constexpr const char* kHost = "nqn.2014-08.org.nvmexpress:uuid:0c5d3a86-6f0e-4f0b-8a5e-27b1b1a60c11";
constexpr const char* kControl = "rd_pages=16,overcommit=1";

void check(int result, const std::string& what) {
  if (result < 0) give_up(fmt::format("{}: {}", what, std::strerror(errno)));
}

// As a script does that goes into a directory and works there.
class TreeClient final : public Client {
 public:
  TreeClient(const Daemon& daemon, std::uint16_t port)
      : devices_(open_directory(daemon.tree() + "/target/core/rd_mcp_1")),
        subsystems_(open_directory(daemon.tree() + "/nvmet/subsystems")),
        port_(fmt::format("ports/tcp:127.0.0.1:{}", port)),
        core_(daemon.tree() + "/target/core/rd_mcp_1/") {}
  ~TreeClient() override {
    ::close(devices_);
    ::close(subsystems_);
  }

  void create(std::size_t number) override {
    const std::string disk = fmt::format("disk{}", number);
    make(devices_, disk);
    write(devices_, disk + "/control", kControl);
    write(devices_, disk + "/enable", "1");
    const std::string nqn = tenant_nqn(number);
    make(subsystems_, nqn);
    const int subsystem = ::openat(subsystems_, nqn.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(subsystem, nqn);
    make(subsystem, std::string("hosts/") + kHost);
    make(subsystem, "namespaces/1");
    check(::symlinkat((core_ + disk).c_str(), subsystem, "namespaces/1/disk"), "ln");
    make(subsystem, port_);
    write(subsystem, port_ + "/enable", "1");
    ::close(subsystem);
  }

  void remove(std::size_t number) override {
    const std::string nqn = tenant_nqn(number);
    const int subsystem = ::openat(subsystems_, nqn.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(subsystem, nqn);
    take_away(subsystem, port_);
    check(::unlinkat(subsystem, "namespaces/1/disk", 0), "rm");
    take_away(subsystem, "namespaces/1");
    take_away(subsystem, std::string("hosts/") + kHost);
    ::close(subsystem);
    take_away(subsystems_, nqn);
    take_away(devices_, fmt::format("disk{}", number));
  }

  std::size_t durable_steps() const override { return 9; }

 private:
  static int open_directory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(fd, path);
    return fd;
  }
  static void make(int directory, const std::string& name) {
    check(::mkdirat(directory, name.c_str(), 0755), "mkdir " + name);
  }
  static void take_away(int directory, const std::string& name) {
    check(::unlinkat(directory, name.c_str(), AT_REMOVEDIR), "rmdir " + name);
  }
  static void write(int directory, const std::string& name, std::string_view value) {
    const int fd = ::openat(directory, name.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    check(fd, name);
    check(static_cast<int>(::write(fd, value.data(), value.size())), name);
    ::close(fd);
  }

  const int devices_;
  const int subsystems_;
  const std::string port_;
  const std::string core_;
};

// One batch a tenant, all or nothing.
class SocketClient final : public Client {
 public:
  SocketClient(const Daemon& daemon, std::uint16_t port)
      : daemon_(daemon), port_(fmt::format("/ports/tcp:127.0.0.1:{}", port)) {}

  void create(std::size_t number) override {
    const std::string disk = fmt::format("target/core/rd_mcp_1/disk{}", number);
    const std::string subsystem = "nvmet/subsystems/" + tenant_nqn(number);
    run({mkdir(disk),
         set(disk + "/control", kControl),
         set(disk + "/enable", "1"),
         mkdir(subsystem),
         mkdir(subsystem + "/hosts/" + kHost),
         mkdir(subsystem + "/namespaces/1"),
         {{"op", "ln"}, {"path", subsystem + "/namespaces/1/disk"}, {"target", "/" + disk}},
         mkdir(subsystem + port_),
         set(subsystem + port_ + "/enable", "1")});
  }
  void remove(std::size_t number) override {
    const std::string subsystem = "nvmet/subsystems/" + tenant_nqn(number);
    run({rmdir(subsystem + port_),
         {{"op", "rm"}, {"path", subsystem + "/namespaces/1/disk"}},
         rmdir(subsystem + "/namespaces/1"),
         rmdir(subsystem + "/hosts/" + kHost),
         rmdir(subsystem)});
    ask(daemon_, "DELETE", fmt::format("/v1/tree/target/core/rd_mcp_1/disk{}", number), nullptr);
  }
  std::size_t durable_steps() const override { return 9; }

 private:
  using json = nlohmann::json;
  static json mkdir(const std::string& path) { return {{"op", "mkdir"}, {"path", path}}; }
  static json rmdir(const std::string& path) { return {{"op", "rmdir"}, {"path", path}}; }
  static json set(const std::string& path, const std::string& value) {
    return {{"op", "set"}, {"path", path}, {"value", value}};
  }
  void run(const json& operations) { ask(daemon_, "POST", "/v1/batch", {{"operations", operations}}); }

  const Daemon& daemon_;
  const std::string port_;
};

}  // namespace

std::string tenant_nqn(std::size_t number) {
  return fmt::format("nqn.2026-01.io.example:tenant{}", number);
}

nlohmann::json ask(const Daemon& daemon, const std::string& method, const std::string& path,
                   const nlohmann::json& body, bool wait) {
  httplib::ClientImpl client(daemon.socket(), 80);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(std::chrono::minutes(5));
  httplib::Request request;
  request.method = method;
  request.path = path;
  if (!body.is_null()) {
    request.body = body.dump();
    request.set_header("Content-Type", "application/json");
  }
  const auto answer = client.send(request);
  if (!answer) give_up(fmt::format("{} {}: no answer", method, path));
  if (answer->status >= 300) give_up(fmt::format("{} {}: {}", method, path, answer->body));
  const auto said = answer->body.empty() ? nlohmann::json() : nlohmann::json::parse(answer->body);
  if (answer->status != 202 || !wait) return said;
  while (true) {
    auto now = ask(daemon, "GET", said.at("href"), nullptr, false);
    if (now.at("done")) {
      if (now.contains("error")) give_up(fmt::format("{} {}: {}", method, path, now.dump()));
      return now;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void make_adapter(const Daemon& daemon) {
  const std::string path = daemon.tree() + "/target/core/rd_mcp_1";
  check(::mkdir(path.c_str(), 0755), path);
}

std::unique_ptr<Client> make_tree_client(const Daemon& daemon, std::uint16_t port) {
  return std::make_unique<TreeClient>(daemon, port);
}
std::unique_ptr<Client> make_socket_client(const Daemon& daemon, std::uint16_t port) {
  return std::make_unique<SocketClient>(daemon, port);
}

}  // namespace weft::bench
