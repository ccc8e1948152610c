#include "daemon/attachments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "daemon/local_device.h"
#include "daemon/runtime_directory.h"

namespace weft::daemon {

namespace {

constexpr std::chrono::seconds kClientTime{2};  // for what clients have under way when they are detached
constexpr std::chrono::milliseconds kPause{2};

}  // namespace

struct Attachments::Attachment {
  Attached what;
  std::shared_ptr<host::RemoteBackend> backend;
  std::unique_ptr<LocalDevice> device;

  ~Attachment() { end(); }

  void end() {
    if (device == nullptr) return;
    device->end();
    const auto until = std::chrono::steady_clock::now() + kClientTime;
    while (!device->is_idle() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(kPause);
    backend->stop();
    device.reset();
    backend.reset();
  }

  Attached described() const {
    Attached now = what;
    const block::Geometry geometry = backend->geometry();
    now.bytes = geometry.bytes();
    now.block_bytes = geometry.block_bytes;
    now.clients = device->clients();
    now.paths = backend->remote().paths();
    now.is_gone = backend->remote().is_gone();
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
    for (const auto& each : being_shown_) each->stop();
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
      if (each->what.transport == request.transport && each->what.subnqn == request.subnqn &&
          (request.nsid == 0 || each->what.nsid == request.nsid))
        return fail(EEXIST, fmt::format("{} namespace {} is attached already, as {}: {}", each->what.subnqn,
                                        each->what.nsid, its_name, each->what.address));
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
                                                                   const std::string& name) {
  const auto initiator = std::ranges::find(initiators_, request.transport, &fabric::Initiator::name);
  if (initiator == initiators_.end())
    return fail(EINVAL, fmt::format("\"{}\" is no transport of this host", request.transport));
  const LocalDeviceKind* const kind = find_local_device_kind(request.as);
  if (kind == nullptr) return fail(EINVAL, fmt::format("\"{}\" is no kind of local device", request.as));
  host::NamespaceOptions options{.nsid = Nsid(request.nsid)};
  for (const fabric::ListenOptions& each : request.addresses) {
    const auto address = (*initiator)->canonical(each);
    if (!address) return std::unexpected(address.error());
    options.ways.push_back({*initiator,
                            {.identity = request.identity,
                             .address = {address->traddr, address->trsvcid, request.subnqn},
                             .header_digest = request.header_digest,
                             .data_digest = request.data_digest}});
  }
  auto attachment = std::make_shared<Attachment>();
  auto backend = host::RemoteBackend::open(reactors_, std::move(options), "attached_0/" + name);
  if (!backend) return std::unexpected(backend.error());
  attachment->backend = std::move(*backend);
  const auto directory = make_runtime_directory();
  if (!directory) return std::unexpected(directory.error());
  const std::string path = fmt::format("{}/attached/{}", *directory, name);
  {
    const std::scoped_lock lock(mutex_);
    if (over_) return fail(ECANCELED, "the daemon ends");
    being_shown_.insert(attachment->backend);
  }
  auto device = kind->make(reactors_, attachment->backend, path);
  {
    const std::scoped_lock lock(mutex_);
    being_shown_.erase(attachment->backend);
  }
  if (!device) return std::unexpected(device.error());
  attachment->device = std::move(*device);
  attachment->what = {.name = name,
                      .transport = request.transport,
                      .subnqn = request.subnqn,
                      .nsid = attachment->backend->remote().info().nsid.value(),
                      .as = request.as,
                      .path = attachment->device->path(),
                      .address = attachment->device->address()};
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
