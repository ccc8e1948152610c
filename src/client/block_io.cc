#include "client/block_io.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/io_command.h"

namespace weft::client {

namespace {

std::size_t most_at_once(const host::Namespace& of) {
  const std::uint64_t block = of.info().block_bytes;
  return std::clamp<std::uint64_t>(of.max_transfer_bytes() / block, 1, host::kMostCommandBlocks) * block;
}

Result<> transfer(host::Namespace& remote, bool writes, std::uint64_t place, std::span<std::byte> data,
                  std::size_t queue) {
  const host::NamespaceInfo& info = remote.info();
  const std::size_t most = most_at_once(remote);
  while (!data.empty()) {
    const auto part = data.first(std::min(data.size(), most));
    const wire::ReadWrite command{
        .nsid = info.nsid,
        .range = {.slba = place / info.block_bytes,
                  .blocks = static_cast<std::uint32_t>(part.size() / info.block_bytes)}};
    const auto done = remote.io(writes ? wire::make_write(command) : wire::make_read(command), part, queue);
    if (!done) return fail(done.error().code, fmt::format("at byte {}: {}", place, done.error().message));
    place += part.size();
    data = data.subspan(part.size());
  }
  return {};
}

}  // namespace

Result<> read_range(host::Namespace& from, std::uint64_t place, std::span<std::byte> into,
                    std::size_t queue) {
  return transfer(from, false, place, into, queue);
}

Result<> write_range(host::Namespace& to, std::uint64_t place, std::span<const std::byte> from,
                     std::size_t queue) {
  // Data of a write is only read.
  return transfer(to, true, place, {const_cast<std::byte*>(from.data()), from.size()}, queue);
}

Result<> erase_blocks(host::Namespace& in, std::uint64_t first, std::uint32_t blocks, Erasing how) {
  const Nsid nsid = in.info().nsid;
  wire::DsmRange range{.context_attributes = 0, .blocks = blocks, .slba = first};
  const auto done =
      how == Erasing::discard
          ? in.io(wire::make_dataset_management({.nsid = nsid, .ranges = 1, .deallocate = true}),
                  wire::writable_bytes_of(range))
          : in.io(wire::make_write_zeroes({.nsid = nsid,
                                           .range = {.slba = first, .blocks = blocks},
                                           .deallocate = how == Erasing::deallocated_zeroes}));
  if (done) return {};
  return fail(done.error().code, fmt::format("at block {}: {}", first, done.error().message));
}

}  // namespace weft::client
