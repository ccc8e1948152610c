#include "daemon/attachments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "daemon/runtime_directory.h"
#include "exports/nbd/server.h"
#include "faces/http/socket_file.h"
#include "host/remote_backend.h"

namespace weft::daemon {

namespace {

constexpr std::chrono::seconds kConnectionTime{2};  // for what clients have under way when they are detached
constexpr std::chrono::milliseconds kPause{2};

}  // namespace

struct Attachments::Attachment {
  Attached what;
  std::shared_ptr<host::RemoteBackend> backend;
  std::unique_ptr<faces::SocketFile> socket;
  std::unique_ptr<nbd::Server> server;

  ~Attachment() { end(); }

  void end() {
    if (server == nullptr) return;
    server->end();
    socket.reset();
    const auto until = std::chrono::steady_clock::now() + kConnectionTime;
    while (server->connections() != 0 && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(kPause);
    backend->stop();
    server.reset();
    backend.reset();
  }

  Attached described() const {
    Attached now = what;
    const block::Geometry geometry = backend->geometry();
    now.bytes = geometry.bytes();
    now.block_bytes = geometry.block_bytes;
    now.connections = server->connections();
    now.losses = backend->session().losses().count;
    now.is_gone = backend->session().is_gone();
    return now;
  }
};

Attachments::Attachments(reactor::Reactors& reactors, std::vector<fabric::Initiator*> initiators)
    : reactors_(reactors), initiators_(std::move(initiators)) {}

Attachments::~Attachments() {
  std::map<std::string, std::shared_ptr<Attachment>> all;
  {
    std::unique_lock lock(mutex_);
    over_ = true;
    changed_.wait(lock, [this] { return making_ == 0; });
    all.swap(attachments_);
  }
  std::vector<std::thread> threads;  // each may wait for its target
  for (const auto& [name, each] : all) threads.emplace_back([its = each] { its->end(); });
  for (std::thread& each : threads) each.join();
}

Result<Attached> Attachments::attach(const AttachRequest& request) {
  std::string name;
  {
    const std::scoped_lock lock(mutex_);
    if (over_) return fail(ECANCELED, "the daemon ends");
    for (const auto& [its_name, each] : attachments_)
      if (each->what.transport == request.transport && each->what.subnqn == request.address.subnqn &&
          (request.nsid == 0 || each->what.nsid == request.nsid))
        return fail(EEXIST, fmt::format("{} namespace {} is attached already, as {}: {}", each->what.subnqn,
                                        each->what.nsid, its_name, each->what.socket));
    name = fmt::to_string(next_++);
    ++making_;
  }
  auto made = make(request, name);
  const std::scoped_lock lock(mutex_);
  --making_;
  changed_.notify_all();
  if (!made) return std::unexpected(made.error());
  if (over_) return fail(ECANCELED, "the daemon ends");
  Attached described = (*made)->described();
  attachments_.emplace(name, std::move(*made));
  return described;
}

Result<std::shared_ptr<Attachments::Attachment>> Attachments::make(const AttachRequest& request,
                                                                   const std::string& name) const {
  const auto initiator = std::ranges::find(initiators_, request.transport, &fabric::Initiator::name);
  if (initiator == initiators_.end())
    return fail(EINVAL, fmt::format("\"{}\" is no transport of this host", request.transport));
  const auto address =
      (*initiator)->canonical({.traddr = request.address.traddr, .trsvcid = request.address.trsvcid});
  if (!address) return std::unexpected(address.error());
  auto attachment = std::make_shared<Attachment>();
  auto backend =
      host::RemoteBackend::open(reactors_, **initiator,
                                {.identity = request.identity,
                                 .address = {address->traddr, address->trsvcid, request.address.subnqn},
                                 .header_digest = request.header_digest,
                                 .data_digest = request.data_digest},
                                Nsid(request.nsid), "attached_0/" + name);
  if (!backend) return std::unexpected(backend.error());
  attachment->backend = std::move(*backend);
  const auto directory = make_runtime_directory();
  if (!directory) return std::unexpected(directory.error());
  const std::string path = fmt::format("{}/attached/{}", *directory, name);
  auto socket = faces::SocketFile::listen({.path = path, .group = {}, .is_own_directory = true});
  if (!socket) return std::unexpected(socket.error());
  attachment->socket = std::move(*socket);
  attachment->what = {.name = name,
                      .transport = request.transport,
                      .subnqn = request.address.subnqn,
                      .nsid = attachment->backend->nsid().value(),
                      .socket = path};
  const int fd = ::fcntl(attachment->socket->fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return fail_errno(errno, path);
  auto server = nbd::Server::start(reactors_, attachment->backend, fd);
  if (!server) return std::unexpected(server.error());
  attachment->server = std::move(*server);
  return attachment;
}

Result<> Attachments::detach(const std::string& name) {
  std::shared_ptr<Attachment> gone;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = attachments_.find(name);
    if (found == attachments_.end())
      return fail(
          ENOENT,
          fmt::format("\"{}\": nothing is attached under this name; weft attached lists what is", name));
    gone = std::move(found->second);
    attachments_.erase(found);
  }
  gone->end();
  return {};
}

std::vector<Attached> Attachments::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Attached> all;
  for (const auto& [name, each] : attachments_) all.push_back(each->described());
  return all;
}

}  // namespace weft::daemon
