#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "cli/medium.h"
#include "wire/io_command.h"

namespace weft::cli {

namespace {

class NamespaceMedium final : public Medium {
 public:
  NamespaceMedium(RemoteNamespace reached, std::uint64_t offset, std::uint64_t length)
      : session_(std::move(reached.session)), info_(reached.info), offset_(offset), length_(length) {}

  std::string name() const override {
    return fmt::format("{} namespace {}", session_->options().address.subnqn, info_.nsid.value());
  }
  std::optional<std::uint64_t> bytes() const override { return length_; }

  Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) override {
    if (at >= length_) return 0;
    into = into.first(std::min<std::uint64_t>(into.size(), length_ - at));
    // The last block of a range may be wanted in part.
    const std::size_t whole = into.size() / info_.block_bytes * info_.block_bytes;
    for (std::size_t done = 0; done < whole;) {
      const std::size_t part = std::min<std::size_t>(whole - done, most_at_once());
      if (const auto read = transfer(false, at + done, into.subspan(done, part)); !read)
        return std::unexpected(read.error());
      done += part;
    }
    if (whole == into.size()) return into.size();
    std::vector<std::byte> block(info_.block_bytes);
    if (const auto read = transfer(false, at + whole, block); !read) return std::unexpected(read.error());
    std::memcpy(into.data() + whole, block.data(), into.size() - whole);
    return into.size();
  }

  Result<> write(std::uint64_t at, std::span<const std::byte> from) override {
    if (from.size() > length_ - std::min(at, length_))
      return fail(ENOSPC, fmt::format("{}: {} do not fit; there is room for {}", name(),
                                      size_text(at + from.size()), size_text(length_)));
    const std::size_t whole = from.size() / info_.block_bytes * info_.block_bytes;
    for (std::size_t done = 0; done < whole;) {
      const std::size_t part = std::min<std::size_t>(whole - done, most_at_once());
      if (const auto written = transfer(true, at + done, writable(from.subspan(done, part))); !written)
        return written;
      done += part;
    }
    if (whole == from.size()) return {};
    std::vector<std::byte> block(info_.block_bytes);
    if (const auto read = transfer(false, at + whole, block); !read) return read;
    std::memcpy(block.data(), from.data() + whole, from.size() - whole);
    return transfer(true, at + whole, block);
  }

  Result<> finish() override {
    const auto flushed = session_->io(wire::make_flush({.nsid = info_.nsid}));
    if (!flushed) return fail(flushed.error().code, fmt::format("{}: {}", name(), flushed.error().message));
    return {};
  }

 private:
  std::size_t most_at_once() const {
    constexpr std::size_t kMostBlocks = 65536;
    const std::size_t most =
        std::min<std::size_t>(session_->max_transfer_bytes(), kMostBlocks * info_.block_bytes);
    return std::max<std::size_t>(most / info_.block_bytes, 1) * info_.block_bytes;
  }
  // Data of a write is only read.
  static std::span<std::byte> writable(std::span<const std::byte> bytes) {
    return {const_cast<std::byte*>(bytes.data()), bytes.size()};
  }

  Result<> transfer(bool writes, std::uint64_t at, std::span<std::byte> data) {
    const wire::ReadWrite command{
        .nsid = info_.nsid,
        .range = {.slba = (offset_ + at) / info_.block_bytes,
                  .blocks = static_cast<std::uint32_t>(data.size() / info_.block_bytes)}};
    const std::size_t queue = next_queue_.fetch_add(1, std::memory_order_relaxed) % session_->io_queues();
    const auto done =
        session_->io(writes ? wire::make_write(command) : wire::make_read(command), data, queue);
    if (done) return {};
    return fail(done.error().code,
                fmt::format("{}: at byte {}: {}", name(), offset_ + at, done.error().message));
  }

  const std::unique_ptr<host::Session> session_;
  const host::NamespaceInfo info_;
  const std::uint64_t offset_;
  const std::uint64_t length_;
  std::atomic<std::size_t> next_queue_{0};
};

}  // namespace

Result<std::unique_ptr<Medium>> open_namespace(RemoteNamespace reached, const Range& range) {
  const host::NamespaceInfo& info = reached.info;
  if (reached.session->io_queues() == 0) return fail(EIO, "the target grants no I/O queue");
  if (range.offset % info.block_bytes != 0)
    return fail(EINVAL, fmt::format("offset {}: must be a multiple of the namespace's blocks of {} bytes",
                                    range.offset, info.block_bytes));
  if (range.offset > info.bytes() || range.length.value_or(0) > info.bytes() - range.offset)
    return fail(EINVAL,
                fmt::format("{} from {} on: the namespace has {}", size_text(range.length.value_or(0)),
                            range.offset, size_text(info.bytes())));
  const std::uint64_t length = range.length.value_or(info.bytes() - range.offset);
  return std::make_unique<NamespaceMedium>(std::move(reached), range.offset, length);
}

}  // namespace weft::cli
