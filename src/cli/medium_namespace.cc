#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "cli/medium.h"
#include "client/block_io.h"
#include "wire/io_command.h"

namespace weft::cli {

namespace {

class NamespaceMedium final : public Medium {
 public:
  NamespaceMedium(std::unique_ptr<host::Namespace> remote, std::uint64_t offset, std::uint64_t length)
      : remote_(std::move(remote)), info_(remote_->info()), offset_(offset), length_(length) {}

  std::string name() const override {
    return fmt::format("{} namespace {}", remote_->subnqn(), info_.nsid.value());
  }
  std::optional<std::uint64_t> bytes() const override { return length_; }

  Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) override {
    if (at >= length_) return 0;
    into = into.first(std::min<std::uint64_t>(into.size(), length_ - at));
    // The last block of a range may be wanted in part.
    const std::size_t whole = into.size() / info_.block_bytes * info_.block_bytes;
    if (const auto read = read_blocks(at, into.first(whole)); !read) return std::unexpected(read.error());
    if (whole == into.size()) return into.size();
    std::vector<std::byte> block(info_.block_bytes);
    if (const auto read = read_blocks(at + whole, block); !read) return std::unexpected(read.error());
    std::memcpy(into.data() + whole, block.data(), into.size() - whole);
    return into.size();
  }

  Result<> write(std::uint64_t at, std::span<const std::byte> from) override {
    if (from.size() > length_ - std::min(at, length_))
      return fail(ENOSPC, fmt::format("{}: {} do not fit; there is room for {}", name(),
                                      size_text(at + from.size()), size_text(length_)));
    const std::size_t whole = from.size() / info_.block_bytes * info_.block_bytes;
    if (const auto written = write_blocks(at, from.first(whole)); !written) return written;
    if (whole == from.size()) return {};
    std::vector<std::byte> block(info_.block_bytes);
    if (const auto read = read_blocks(at + whole, block); !read) return read;
    std::memcpy(block.data(), from.data() + whole, from.size() - whole);
    return write_blocks(at + whole, block);
  }

  Result<> finish() override {
    const auto flushed = remote_->io(wire::make_flush({.nsid = info_.nsid}));
    if (!flushed) return fail(flushed.error().code, fmt::format("{}: {}", name(), flushed.error().message));
    return {};
  }

 private:
  Result<> read_blocks(std::uint64_t at, std::span<std::byte> into) {
    return named(client::read_range(*remote_, offset_ + at, into, next_queue()));
  }
  Result<> write_blocks(std::uint64_t at, std::span<const std::byte> from) {
    return named(client::write_range(*remote_, offset_ + at, from, next_queue()));
  }
  Result<> named(const Result<>& done) const {
    if (done) return {};
    return fail(done.error().code, fmt::format("{}: {}", name(), done.error().message));
  }
  std::size_t next_queue() {
    return next_queue_.fetch_add(1, std::memory_order_relaxed) % remote_->io_queues();
  }

  const std::unique_ptr<host::Namespace> remote_;
  const host::NamespaceInfo info_;
  const std::uint64_t offset_;
  const std::uint64_t length_;
  std::atomic<std::size_t> next_queue_{0};
};

}  // namespace

Result<std::unique_ptr<Medium>> open_namespace(std::unique_ptr<host::Namespace> remote, const Range& range) {
  const host::NamespaceInfo& info = remote->info();
  if (range.offset % info.block_bytes != 0)
    return fail(EINVAL, fmt::format("offset {}: must be a multiple of the namespace's blocks of {} bytes",
                                    range.offset, info.block_bytes));
  if (range.offset > info.bytes() || range.length.value_or(0) > info.bytes() - range.offset)
    return fail(EINVAL,
                fmt::format("{} from {} on: the namespace has {}", size_text(range.length.value_or(0)),
                            range.offset, size_text(info.bytes())));
  const std::uint64_t length = range.length.value_or(info.bytes() - range.offset);
  return std::make_unique<NamespaceMedium>(std::move(remote), range.offset, length);
}

}  // namespace weft::cli
