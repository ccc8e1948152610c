// include/weft/host.h: the library's face for programs that know nothing of its inside.
#include "weft/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/call.h"
#include "base/run_on.h"
#include "client/block_io.h"
#include "client/remote.h"
#include "host/admin_requests.h"
#include "wire/io_command.h"

namespace weft::client {

namespace {

std::unexpected<Failure> failed(const Error& error) {
  return std::unexpected(Failure{error.code, error.message});
}
Outcome<> outcome(const Result<>& result) {
  if (result) return {};
  return failed(result.error());
}

RemoteOptions remote_options(const HostOptions& options) {
  return {.hostnqn = options.hostnqn,
          .hostid = options.hostid,
          .header_digest = options.header_digest,
          .data_digest = options.data_digest,
          .queue_entries = options.queue_entries,
          .keep_alive_s = static_cast<unsigned>(options.keep_alive.count()),
          .loss_s = static_cast<unsigned>(options.loss_time.count()),
          .no_path_time = options.no_path_time,
          .reactors = options.threads};
}

std::uint64_t bytes_of(const std::vector<iovec>& data) {
  std::uint64_t bytes = 0;
  for (const iovec& piece : data) bytes += piece.iov_len;
  return bytes;
}

}  // namespace

// --- commands

struct Command::Impl : host::Command {
  explicit Impl(client::Command& of) : command(of) {
    then = [](host::Command& ended) noexcept {
      auto& its = static_cast<Impl&>(ended).command;
      const auto call = its.done;  // it may destroy the command, and itself with it
      call(its);
    };
  }
  void go() { queue->submit(*this); }

  client::Command& command;
  host::IoQueue* queue = nullptr;
  wire::DsmRange range{};
  iovec piece{};
  MemberTask<Impl, &Impl::go> there{*this};
};

Command::Command() : impl_(std::make_unique<Impl>(*this)) {}
Command::~Command() = default;

bool Command::ok() const {
  return impl_->ok();
}

Failure Command::failure() const {
  return ok() ? Failure{} : Failure{impl_->error_code(), impl_->failure()};
}

std::uint16_t Command::status() const {
  return impl_->end == fabric::HostCommand::End::lost ? 0
                                                      : static_cast<std::uint16_t>(impl_->cqe.status >> 1);
}

std::uint64_t Command::result() const {
  return impl_->cqe.result;
}

// --- namespaces

struct Namespace::Impl {
  std::unique_ptr<host::Namespace> remote;
  std::atomic<std::size_t> next_queue{0};

  std::uint32_t block() const { return remote->info().block_bytes; }
  std::size_t queue() { return next_queue.fetch_add(1, std::memory_order_relaxed) % remote->io_queues(); }
  Outcome<> check(std::uint64_t offset, std::uint64_t length) const {
    if (offset % block() == 0 && length % block() == 0) return {};
    return std::unexpected(Failure{
        EINVAL,
        fmt::format("{} bytes at {}: must be multiples of the block, {} bytes", length, offset, block())});
  }
  Outcome<> erase(std::uint64_t offset, std::uint64_t length, Erasing how) {
    if (const auto right = check(offset, length); !right) return right;
    for (std::uint64_t at = offset / block(), end = at + length / block(); at < end;) {
      const std::uint64_t part = std::min(end - at, host::kMostCommandBlocks);
      if (const auto done = erase_blocks(*remote, at, static_cast<std::uint32_t>(part), how); !done)
        return failed(done.error());
      at += part;
    }
    return {};
  }
  int prepare(client::Command& command, Command::Impl& into) const;
  int build(client::Command& command, Command::Impl& into) const;
};

int Namespace::Impl::prepare(Command& command, Command::Impl& into) const {
  into.sqe = {};
  into.cqe = {};
  into.tries_left = host::Command().tries_left;
  return build(command, into);
}

// An errno: what was asked for cannot be one command.
int Namespace::Impl::build(Command& command, Command::Impl& into) const {
  const std::uint64_t moved = bytes_of(command.data);
  into.data = command.data;
  if (command.kind == Command::Kind::any) {
    std::memcpy(&into.sqe, command.entry.data(), sizeof into.sqe);
    return moved <= remote->max_transfer_bytes() ? 0 : EINVAL;
  }
  const Nsid nsid = remote->info().nsid;
  if (command.kind == Command::Kind::flush) {
    into.data = {};
    into.sqe = wire::make_flush({.nsid = nsid});
    return 0;
  }
  const bool erases = command.kind == Command::Kind::write_zeroes || command.kind == Command::Kind::discard;
  const std::uint64_t length = erases ? command.length : moved;
  const std::uint64_t count = length / block();
  if (!check(command.offset, length) || count == 0 || count > host::kMostCommandBlocks ||
      (!erases && moved > remote->max_transfer_bytes()))
    return EINVAL;
  const wire::LbaRange range{.slba = command.offset / block(), .blocks = static_cast<std::uint32_t>(count)};
  const wire::ReadWrite moves{.nsid = nsid, .range = range, .fua = command.force_unit_access};
  switch (command.kind) {
    case Command::Kind::read:
      into.sqe = wire::make_read(moves);
      break;
    case Command::Kind::write:
      into.sqe = wire::make_write(moves);
      break;
    case Command::Kind::compare:
      into.sqe = wire::make_compare(moves);
      break;
    case Command::Kind::write_zeroes:
      into.data = {};
      into.sqe = wire::make_write_zeroes({.nsid = nsid,
                                          .range = range,
                                          .fua = command.force_unit_access,
                                          .deallocate = command.may_deallocate});
      break;
    default:
      into.range = {.context_attributes = 0, .blocks = range.blocks, .slba = range.slba};
      into.piece = {&into.range, sizeof into.range};
      into.data = {&into.piece, 1};
      into.sqe = wire::make_dataset_management({.nsid = nsid, .ranges = 1, .deallocate = true});
  }
  return 0;
}

Namespace::Namespace(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Namespace::~Namespace() = default;

std::uint32_t Namespace::nsid() const {
  return impl_->remote->info().nsid.value();
}
std::uint32_t Namespace::block_bytes() const {
  return impl_->block();
}
std::uint64_t Namespace::bytes() const {
  return impl_->remote->blocks() * impl_->block();
}
std::uint64_t Namespace::most_bytes() const {
  return impl_->remote->max_transfer_bytes();
}
bool Namespace::is_read_only() const {
  return impl_->remote->info().write_protected;
}
std::size_t Namespace::queues() const {
  return impl_->remote->io_queues();
}

std::vector<Way> Namespace::ways() const {
  std::vector<Way> all;
  for (const host::PathState& path : impl_->remote->paths())
    all.push_back({.traddr = path.address.traddr,
                   .trsvcid = path.address.trsvcid,
                   .state = std::string(host::name(path.kind)),
                   .ana_state = path.ana ? std::string(wire::name(*path.ana)) : "",
                   .losses = path.losses,
                   .why = path.why.message});
  return all;
}

Outcome<> Namespace::read(std::uint64_t offset, std::span<std::byte> into) {
  if (const auto right = impl_->check(offset, into.size()); !right) return right;
  return outcome(read_range(*impl_->remote, offset, into, impl_->queue()));
}

Outcome<> Namespace::write(std::uint64_t offset, std::span<const std::byte> from) {
  if (const auto right = impl_->check(offset, from.size()); !right) return right;
  return outcome(write_range(*impl_->remote, offset, from, impl_->queue()));
}

Outcome<> Namespace::write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_deallocate) {
  return impl_->erase(offset, length, may_deallocate ? Erasing::deallocated_zeroes : Erasing::zeroes);
}

Outcome<> Namespace::discard(std::uint64_t offset, std::uint64_t length) {
  return impl_->erase(offset, length, Erasing::discard);
}

Outcome<> Namespace::flush() {
  const auto done = impl_->remote->io(wire::make_flush({.nsid = impl_->remote->info().nsid}));
  if (!done) return failed(done.error());
  return {};
}

void Namespace::submit(Command& command, std::size_t queue) {
  Command::Impl& its = *command.impl_;
  its.queue = &impl_->remote->io_queue(queue % impl_->remote->io_queues());
  int error = impl_->prepare(command, its);
  its.fused_with = nullptr;
  if (error == 0 && command.fused_with != nullptr) {
    error = impl_->prepare(*command.fused_with, *command.fused_with->impl_);
    its.fused_with = command.fused_with->impl_.get();
  }
  if (error != 0) {
    its.end = fabric::HostCommand::End::completed;
    its.cqe.status = wire::status::kInvalidField.encode();
    return post_call(its.queue->loop(), [&command] { command.done(command); });
  }
  its.queue->loop().post(its.there);
}

void Namespace::cancel(Command& command) {
  Command::Impl& its = *command.impl_;
  run_on(its.queue->loop(), [&its] { its.queue->cancel(its); });
}

void Namespace::stop() {
  impl_->remote->stop();
}

void Namespace::on_resize(std::function<void(std::uint64_t bytes)> told) {
  impl_->remote->watch(
      [told = std::move(told), block = impl_->block()](std::uint64_t blocks) { told(blocks * block); });
}

// --- controllers

struct Controller::Impl {
  std::unique_ptr<host::Session> session;
};

Controller::Controller(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Controller::~Controller() = default;

Outcome<std::vector<std::byte>> Controller::identify(std::uint8_t cns, std::uint32_t nsid) {
  auto page = host::identify(*impl_->session, {.nsid = Nsid(nsid), .cns = cns});
  if (!page) return failed(page.error());
  return std::move(*page);
}

Outcome<std::vector<std::byte>> Controller::log(std::uint8_t page, std::uint64_t bytes, std::uint32_t nsid) {
  auto read = host::log_page(*impl_->session, {.lid = page, .nsid = Nsid(nsid), .bytes = bytes});
  if (!read) return failed(read.error());
  return std::move(*read);
}

Outcome<std::vector<std::uint32_t>> Controller::namespaces() {
  const auto all = host::active_namespaces(*impl_->session);
  if (!all) return failed(all.error());
  std::vector<std::uint32_t> numbers;
  for (const Nsid each : *all) numbers.push_back(each.value());
  return numbers;
}

Outcome<std::uint64_t> Controller::admin(std::span<const std::byte, 64> entry, std::span<std::byte> data) {
  wire::Sqe sqe;
  std::memcpy(&sqe, entry.data(), sizeof sqe);
  const auto done = impl_->session->admin(sqe, data);
  if (!done) return failed(done.error());
  return std::uint64_t{done->result};
}

// --- the host

struct Host::Impl {
  std::unique_ptr<Remotes> remotes;
  std::uint16_t queues = 1;
};

Host::Host(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Host::~Host() = default;

Outcome<std::unique_ptr<Host>> Host::start(const HostOptions& options) {
  auto remotes = Remotes::start(remote_options(options));
  if (!remotes) return failed(remotes.error());
  return std::unique_ptr<Host>(new Host(
      std::make_unique<Impl>(Impl{std::move(*remotes), std::max<std::uint16_t>(options.queues, 1)})));
}

const std::string& Host::nqn() const {
  return impl_->remotes->identity().nqn;
}

Outcome<std::unique_ptr<Namespace>> Host::open(std::string_view target) {
  const auto name = parse_remote(target);
  if (!name) return failed(name.error());
  auto remote = impl_->remotes->open(*name, impl_->queues);
  if (!remote) return failed(remote.error());
  auto impl = std::make_unique<Namespace::Impl>();
  impl->remote = std::move(*remote);
  return std::unique_ptr<Namespace>(new Namespace(std::move(impl)));
}

Outcome<std::unique_ptr<Controller>> Host::connect(std::string_view target) {
  const auto name = parse_remote(target);
  if (!name) return failed(name.error());
  auto session = impl_->remotes->connect(*name);
  if (!session) return failed(session.error());
  return std::unique_ptr<Controller>(
      new Controller(std::make_unique<Controller::Impl>(Controller::Impl{std::move(*session)})));
}

Outcome<std::vector<Subsystem>> Host::discover(std::string_view service) {
  auto name = parse_remote(service);
  if (!name) return failed(name.error());
  name->subnqn.clear();
  const auto entries =
      impl_->remotes->discover(*name, Referrals::followed, [](const host::DiscoveryEntry&, const Error&) {});
  if (!entries) return failed(entries.error());
  std::vector<Subsystem> all;
  for (const host::DiscoveryEntry& each : *entries)
    all.push_back({.transport = std::string(wire::name(each.trtype)),
                   .traddr = each.traddr,
                   .trsvcid = each.trsvcid,
                   .subnqn = each.subnqn,
                   .is_referral = each.subtype == wire::SubsystemType::referral});
  return all;
}

}  // namespace weft::client
