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

Uuid serial_of(const NamespaceInfo& info) {
  if (info.uuid) return Uuid{*info.uuid};
  return info.nguid ? Uuid{*info.nguid} : Uuid{};
}

}  // namespace

// One request at a time goes out in as many commands as the target's limits ask for, one after the other.
class RemoteBackend::Channel final : public block::Channel {
 public:
  Channel(RemoteBackend& backend, Loop& loop, IoQueue& queue)
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
      const int error = ok() ? 0 : error_of_request();
      block::Request& its = request;
      Channel& of = channel;
      of.works_.give_back(*this);
      its.error = error;
      its.done(its);
    }

    int error_of_request() const {
      const bool is_beyond_the_end =
          end == End::completed && cqe.decoded_status().is(wire::status::kLbaOutOfRange);
      if (is_beyond_the_end) return request.op == block::Op::write ? ENOSPC : EINVAL;
      const int error = error_code();
      return error == ENOTCONN || error == EBADMSG ? EIO : error;
    }

    void build() {
      const auto most = std::max<std::uint64_t>(
          channel.remote().max_transfer_bytes() / channel.remote().info().block_bytes, 1);
      const bool moves = request.op == block::Op::read || request.op == block::Op::write;
      part = std::min({request.blocks - done_blocks, kMostCommandBlocks, moves ? most : kMostCommandBlocks});
      const Nsid nsid = channel.remote().info().nsid;
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
      const std::uint32_t block = channel.remote().info().block_bytes;
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

  const Namespace& remote() const { return *backend_.remote_; }

  RemoteBackend& backend_;
  Loop& loop_;
  IoQueue& queue_;
  block::Completions answers_;
  Slab<Work> works_;
};

Result<std::shared_ptr<RemoteBackend>> RemoteBackend::open(Loops& loops, NamespaceOptions options,
                                                           std::string name) {
  options.queue_on_each_loop = true;
  for (NamespaceOptions::Way& way : options.ways)
    way.options.io_queues = static_cast<std::uint16_t>(loops.all().size());
  auto remote = Namespace::open(loops, std::move(options));
  if (!remote) return std::unexpected(remote.error());
  const NamespaceInfo& info = (*remote)->info();
  if (info.metadata_bytes != 0 || (info.block_bytes != 512 && info.block_bytes != 4096))
    return fail(EOPNOTSUPP,
                fmt::format("namespace {}: blocks of {} bytes with {} of metadata; 512 or 4096 with "
                            "none are what this host knows",
                            info.nsid.value(), info.block_bytes, info.metadata_bytes));
  std::shared_ptr<RemoteBackend> backend(new RemoteBackend(std::move(name), serial_of(info)));
  backend->remote_ = std::move(*remote);
  backend->remote_->watch([its = backend.get()](std::uint64_t) { its->notify_geometry_changed(); });
  return backend;
}

RemoteBackend::~RemoteBackend() = default;

block::Geometry RemoteBackend::geometry() const {
  block::Geometry geometry;
  geometry.block_bytes = remote_->info().block_bytes;
  geometry.blocks = remote_->blocks();
  geometry.discard_granularity_blocks = remote_->discards() ? 1 : 0;
  geometry.volatile_cache = remote_->has_write_cache();
  geometry.read_only = remote_->info().write_protected;
  return geometry;
}

std::unique_ptr<block::Channel> RemoteBackend::open_channel(Loop& loop) {
  const std::size_t queue = loop.index() % remote_->io_queues();
  return std::make_unique<Channel>(*this, loop, remote_->io_queue(queue));
}

Result<> RemoteBackend::refresh() {
  return remote_->refresh_blocks();
}

std::string RemoteBackend::info() const {
  std::string ways;
  for (const PathState& path : remote_->paths())
    ways += fmt::format("{}{}:{}", ways.empty() ? "" : ", ", path.address.traddr, path.address.trsvcid);
  return fmt::format("{} namespace {} at {}, {}", remote_->subnqn(), remote_->info().nsid.value(), ways,
                     size_text(geometry().bytes()));
}

}  // namespace weft::host
