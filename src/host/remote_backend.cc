#include "host/remote_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/pieces.h"
#include "base/slab.h"
#include "base/text.h"
#include "block/check_request.h"
#include "block/completions.h"
#include "wire/io_command.h"

namespace weft::host {

namespace {

constexpr std::uint64_t kMostBlocks = 65536;  // of one command

Uuid serial_of(const NamespaceInfo& info) {
  if (info.uuid) return Uuid{*info.uuid};
  return info.nguid ? Uuid{*info.nguid} : Uuid{};
}

}  // namespace

// One request at a time goes out in as many commands as the target's limits ask for, one after the other.
class RemoteBackend::Channel final : public block::Channel {
 public:
  Channel(RemoteBackend& backend, Loop& loop, Queue& queue)
      : backend_(backend), loop_(loop), queue_(queue), answers_(loop) {}

  void submit(block::Request& request) override {
    if (const int error = check_request(backend_.geometry(), request); error != 0)
      return answers_.add(request, error);
    Work& work = works_.take(*this, request);
    work.go_on();
  }

 private:
  struct Work : Command {
    Work(Channel& of, block::Request& what) : channel(of), request(what) {
      then = [](Command& command) noexcept { static_cast<Work&>(command).ended(); };
    }

    // On the channel's loop.
    void go_on() {
      build();
      if (&channel.loop_ == &channel.queue_.loop()) return send();
      channel.queue_.loop().post(there);
    }
    void send() { channel.queue_.submit(*this); }

    // On the queue's loop.
    void ended() {
      if (&channel.loop_ == &channel.queue_.loop()) return came_back();
      channel.loop_.post(back);
    }

    void came_back() {
      const bool over = !ok() || (done_blocks += part) == request.blocks;
      if (!over) return go_on();
      const int error = ok() ? 0 : error_code();
      block::Request& its = request;
      Channel& of = channel;
      of.works_.give_back(*this);
      its.error = error == ENOTCONN || error == EBADMSG ? EIO : error;
      its.done(its);
    }

    void build() {
      const auto most = std::max<std::uint64_t>(
          channel.backend_.session_->max_transfer_bytes() / channel.backend_.info_.block_bytes, 1);
      const bool moves = request.op == block::Op::read || request.op == block::Op::write;
      part = std::min({request.blocks - done_blocks, kMostBlocks, moves ? most : kMostBlocks});
      const Nsid nsid = channel.backend_.info_.nsid;
      const wire::LbaRange range{.slba = request.lba + done_blocks,
                                 .blocks = static_cast<std::uint32_t>(part)};
      data = {};
      switch (request.op) {
        case block::Op::read:
          sqe = wire::make_read({.nsid = nsid, .range = range});
          return slice();
        case block::Op::write:
          sqe = wire::make_write({.nsid = nsid, .range = range, .fua = request.fua});
          return slice();
        case block::Op::flush:
          sqe = wire::make_flush({.nsid = nsid});
          return;
        case block::Op::write_zeroes:
          sqe = wire::make_write_zeroes(
              {.nsid = nsid, .range = range, .fua = request.fua, .deallocate = request.may_unmap});
          return;
        case block::Op::discard:
          break;
      }
      sqe = wire::make_dataset_management({.nsid = nsid, .ranges = 1, .deallocate = true});
      discarded = {.context_attributes = 0, .blocks = range.blocks, .slba = range.slba};
      pieces.assign(1, {&discarded, sizeof discarded});
      data = pieces;
    }

    // The request's memory of this part.
    void slice() {
      const std::uint32_t block = channel.backend_.info_.block_bytes;
      if (part == request.blocks) {
        data = request.data;
        return;
      }
      slice_pieces(request.data, done_blocks * block, part * block, pieces);
      data = pieces;
    }

    Channel& channel;
    block::Request& request;
    std::uint64_t done_blocks = 0;
    std::uint64_t part = 0;  // of the command under way
    std::vector<iovec> pieces;
    wire::DsmRange discarded{};
    MemberTask<Work, &Work::send> there{*this};
    MemberTask<Work, &Work::came_back> back{*this};
  };

  RemoteBackend& backend_;
  Loop& loop_;
  Queue& queue_;
  block::Completions answers_;
  Slab<Work> works_;
};

Result<std::shared_ptr<RemoteBackend>> RemoteBackend::open(Loops& loops, fabric::Initiator& initiator,
                                                           Options options, Nsid nsid, std::string name) {
  options.queue_on_each_loop = true;
  options.io_queues = static_cast<std::uint16_t>(loops.all().size());
  // Events come as soon as the session is live; what they lead to waits until it is in its place.
  auto self = std::make_shared<std::atomic<RemoteBackend*>>(nullptr);
  auto session = Session::connect(loops, initiator, options, [self](const wire::AsyncEvent& event) {
    if (RemoteBackend* const its = self->load(std::memory_order_acquire)) its->on_event(event);
  });
  if (!session) return std::unexpected(session.error());
  if ((*session)->io_queues() == 0)
    return fail(EIO, options.address.subnqn + ": the target grants no I/O queue");
  if (nsid == Nsid(0)) {
    const auto all = active_namespaces(**session);
    if (!all) return std::unexpected(all.error());
    if (all->size() != 1)
      return fail(EINVAL,
                  fmt::format("{}: it has {} namespaces; choose one", options.address.subnqn, all->size()));
    nsid = all->front();
  }
  auto info = namespace_info(**session, nsid);
  if (!info) return std::unexpected(info.error());
  if (info->metadata_bytes != 0 || (info->block_bytes != 512 && info->block_bytes != 4096))
    return fail(EOPNOTSUPP,
                fmt::format("namespace {}: blocks of {} bytes with {} of metadata; 512 or 4096 with "
                            "none are what this host knows",
                            nsid.value(), info->block_bytes, info->metadata_bytes));
  std::shared_ptr<RemoteBackend> backend(new RemoteBackend(std::move(name), serial_of(*info)));
  const auto& identity = (*session)->identity();
  backend->has_write_cache_ = (identity.vwc & wire::kVwcPresent) != 0;
  backend->discards_ = (identity.oncs & wire::kOncsDatasetManagement) != 0;
  backend->info_ = *info;
  backend->blocks_ = info->blocks;
  backend->look_.backend = backend.get();
  backend->session_ = std::move(*session);
  self->store(backend.get(), std::memory_order_release);
  return backend;
}

RemoteBackend::~RemoteBackend() = default;

block::Geometry RemoteBackend::geometry() const {
  block::Geometry geometry;
  geometry.block_bytes = info_.block_bytes;
  geometry.blocks = blocks_.load(std::memory_order_relaxed);
  geometry.discard_granularity_blocks = discards_ ? 1 : 0;
  geometry.volatile_cache = has_write_cache_;
  geometry.read_only = info_.write_protected;
  return geometry;
}

std::unique_ptr<block::Channel> RemoteBackend::open_channel(Loop& loop) {
  const std::size_t queue = loop.index() % session_->io_queues();
  return std::make_unique<Channel>(*this, loop, session_->io_queue(queue));
}

Result<> RemoteBackend::refresh() {
  const auto info = namespace_info(*session_, info_.nsid);
  if (!info) return std::unexpected(info.error());
  take_size(info->blocks);
  return {};
}

std::string RemoteBackend::info() const {
  const auto& address = session_->options().address;
  return fmt::format("{} namespace {} at {}:{}, {}", address.subnqn, info_.nsid.value(), address.traddr,
                     address.trsvcid, size_text(geometry().bytes()));
}

void RemoteBackend::take_size(std::uint64_t blocks) {
  const std::scoped_lock lock(telling_);
  if (blocks_.exchange(blocks, std::memory_order_relaxed) != blocks) notify_geometry_changed();
}

void RemoteBackend::on_event(const wire::AsyncEvent& event) {
  if (event != wire::kNamespaceChangedEvent) return;
  look_again_ = true;
  look();
}

// Reading the log makes the target tell of the next change; Identify then has this one.
void RemoteBackend::look() {
  if (looking_ || !look_again_) return;
  looking_ = true;
  look_again_ = false;
  look_.sqe = wire::make_get_log_page({.nsid = kAllNamespaces,
                                       .lid = static_cast<std::uint8_t>(wire::LogId::changed_namespace_list),
                                       .length = sizeof changed_});
  look_.piece = {&changed_, sizeof changed_};
  look_.data = {&look_.piece, 1};
  look_.then = &RemoteBackend::on_log_read;
  session_->admin_queue().submit(look_);
}

void RemoteBackend::on_log_read(Command& command) noexcept {
  RemoteBackend& self = *static_cast<Look&>(command).backend;
  if (!command.ok()) {
    self.looking_ = false;
    return;
  }
  self.look_.sqe =
      wire::make_identify({.nsid = self.info_.nsid, .cns = static_cast<std::uint8_t>(wire::IdentifyCns::ns)});
  self.look_.piece = {&self.identified_, sizeof self.identified_};
  self.look_.then = &RemoteBackend::on_identified;
  self.session_->admin_queue().submit(self.look_);
}

void RemoteBackend::on_identified(Command& command) noexcept {
  RemoteBackend& self = *static_cast<Look&>(command).backend;
  self.looking_ = false;
  if (!command.ok()) return;
  if (self.identified_.nsze <= kMostNamespaceBytes / self.info_.block_bytes)
    self.take_size(self.identified_.nsze);
  self.look();
}

}  // namespace weft::host
