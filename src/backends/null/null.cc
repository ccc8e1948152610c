#include "backends/null/null.h"

#include <fmt/format.h>

#include <cstring>

#include "block/check_request.h"
#include "block/completions.h"
#include "block/control.h"

namespace weft::backends {

namespace {

using block::Channel;
using block::ControlKey;
using block::Geometry;
using block::Op;
using block::OpenOptions;
using block::Request;

constexpr ControlKey kKeys[] = {
    {"size", "bytes, or as 512M, 10G, 1.5T; a multiple of the block size; default 1T"},
    {"block_size", "logical block in bytes: 512 or 4096; default 512"},
};
constexpr std::uint64_t kDefaultBytes = std::uint64_t{1} << 40;
constexpr std::uint32_t kDefaultBlockBytes = 512;

constexpr std::size_t kZeroBytes = 64 * 1024;
alignas(4096) constinit const std::byte kZeroes[kZeroBytes] = {};

// Lends the same zeroes to all.
class NullChannel final : public Channel, public block::Loan::Lender {
 public:
  NullChannel(Loop& loop, const Geometry& geometry) : geometry_(geometry), answers_(loop) {}

  void submit(Request& request) override {
    const int error = check_request(geometry_, request);
    if (error == 0 && request.op == Op::read) read(request);
    answers_.add(request, error);
  }
  bool lends() const override { return true; }
  void take_back(const iovec&) noexcept override {}

 private:
  void read(Request& request) {
    const std::uint64_t bytes = request.blocks * geometry_.block_bytes;
    if (request.loan != nullptr) {
      if (bytes <= kZeroBytes) request.loan->give(*this, {const_cast<std::byte*>(kZeroes), bytes});
      return;
    }
    for (const iovec& piece : request.data) std::memset(piece.iov_base, 0, piece.iov_len);
  }

  const Geometry geometry_;
  block::Completions answers_;
};

class NullBackend final : public block::Backend {
 public:
  NullBackend(const OpenOptions& options, const Geometry& geometry)
      : Backend(options.name, options.serial), geometry_(geometry) {}
  Geometry geometry() const override { return geometry_; }
  std::unique_ptr<Channel> open_channel(Loop& loop) override {
    return std::make_unique<NullChannel>(loop, geometry_);
  }
  std::string info() const override { return fmt::format("null, {}", size_text(geometry_.bytes())); }

 private:
  const Geometry geometry_;
};

Result<std::shared_ptr<block::Backend>> open_null(const OpenOptions& options) {
  const auto size = control_size(options, "size");
  if (!size) return std::unexpected(size.error());
  const auto block_bytes = control_block_bytes(options);
  if (!block_bytes) return std::unexpected(block_bytes.error());
  Geometry geometry;
  geometry.block_bytes = block_bytes->value_or(kDefaultBlockBytes);
  const auto blocks = whole_blocks(options, size->value_or(kDefaultBytes), geometry.block_bytes);
  if (!blocks) return std::unexpected(blocks.error());
  geometry.blocks = *blocks;
  geometry.discard_granularity_blocks = 1;
  return std::make_shared<NullBackend>(options, geometry);
}

}  // namespace

block::Plugin make_null_plugin() {
  return {"null", "drops writes and reads as zeroes, for measuring", kKeys, &open_null};
}

}  // namespace weft::backends
