#include "backends/ramdisk/ramdisk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "backends/ramdisk/memory.h"
#include "base/check.h"
#include "block/check_request.h"
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
    {"rd_pages", "size in pages of 4096 bytes; or give size"},
    {"size", "size in bytes, or as 512M, 10G, 1.5T; a multiple of the block size"},
    {"block_size", "logical block in bytes: 512 or 4096; default 512"},
    {"rd_nullio", "1: keep nothing, writes are dropped and reads are zeroes; default 0"},
    {"huge_pages",
     "1: memory in pieces of 2 MiB where the kernel has them, for faster access at random places; the first "
     "write to a piece takes all of it; default 0"},
    {"overcommit", "1: do not reserve the size from the limit of all RAM disks; default 0"},
};
constexpr std::uint32_t kDefaultBlockBytes = 512;

// What was reserved, for as long as the disk lives.
class Reservation {
 public:
  Reservation(RamBudget& budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
  ~Reservation() { budget_.release(bytes_); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

 private:
  RamBudget& budget_;
  const std::uint64_t bytes_;
};

// Copies run in the next turn, all that wait; zeroes and discards in slices of a turn each, so that a large
// one does not stop the loop.  What is read is lent, up to a limit: a page that is written meanwhile takes
// memory twice.
class RamChannel final : public Channel, public block::Loan::Lender {
 public:
  RamChannel(Loop& loop, const Geometry& geometry, RamMemory* memory, LoanLimit& limit)
      : loop_(loop), geometry_(geometry), memory_(memory), limit_(limit) {}
  ~RamChannel() override { WEFT_CHECK(lent_bytes_ == 0, "loans are given back before their channel ends"); }

  bool lends() const override { return memory_ != nullptr; }
  void take_back(const iovec& memory) noexcept override {
    lent_bytes_ -= memory.iov_len;
    limit_.give_back(memory.iov_len);
    memory_->take_back(static_cast<const std::byte*>(memory.iov_base), memory.iov_len);
  }

  void submit(Request& request) override {
    request.error = check_request(geometry_, request);
    const bool zeroes = request.op == Op::write_zeroes || request.op == Op::discard;
    if (zeroes && request.error == 0 && memory_ != nullptr)
      zeroing_.push_back(request);
    else
      copying_.push_back(request);
    if (!serve_.is_posted()) loop_.post(serve_);
  }

 private:
  static constexpr std::uint64_t kSliceBytes = 4 * 1024 * 1024;
  static constexpr std::uint64_t kMostLentBytes = 8 * 1024 * 1024;

  void serve() {
    List<Request> now;  // the last answer may destroy the channel
    now.swap(copying_);
    Request* const zeroed = zero_slice();
    if (!zeroing_.empty()) loop_.post(serve_);
    while (!now.empty()) {
      Request& request = now.front();
      now.pop_front();
      if (request.error == 0) copy(request);
      request.done(request);
    }
    if (zeroed != nullptr) zeroed->done(*zeroed);
  }

  // Works on the first of those that wait; returns it when it is finished.
  Request* zero_slice() {
    if (zeroing_.empty()) return nullptr;
    Request& request = zeroing_.front();
    const std::uint64_t bytes = request.blocks * geometry_.block_bytes;
    const std::uint64_t slice = std::min(kSliceBytes, bytes - zeroed_bytes_);
    memory_->zero(request.lba * geometry_.block_bytes + zeroed_bytes_, slice);
    zeroed_bytes_ += slice;
    if (zeroed_bytes_ < bytes) return nullptr;
    zeroed_bytes_ = 0;
    zeroing_.pop_front();
    return &request;
  }

  void lend(Request& request) {
    const std::uint64_t bytes = request.blocks * geometry_.block_bytes;
    if (lent_bytes_ + bytes > kMostLentBytes || !limit_.take(bytes)) return;
    const std::byte* const lent = memory_->lend(request.lba * geometry_.block_bytes, bytes);
    if (lent == nullptr) return limit_.give_back(bytes);
    lent_bytes_ += bytes;
    request.loan->give(*this, {const_cast<std::byte*>(lent), bytes});
  }

  void copy(Request& request) {
    if (request.loan != nullptr) return lend(request);
    std::uint64_t at = request.lba * geometry_.block_bytes;
    for (const iovec& piece : request.data) {
      auto* bytes = static_cast<std::byte*>(piece.iov_base);
      if (request.op == Op::read && memory_ == nullptr)
        std::memset(bytes, 0, piece.iov_len);
      else if (request.op == Op::read)
        memory_->read(at, bytes, piece.iov_len);
      else if (request.op == Op::write && memory_ != nullptr)
        memory_->write(at, bytes, piece.iov_len);
      at += piece.iov_len;
    }
  }

  Loop& loop_;
  const Geometry geometry_;
  RamMemory* const memory_;  // null: rd_nullio
  LoanLimit& limit_;
  List<Request> copying_;
  List<Request> zeroing_;
  std::uint64_t zeroed_bytes_ = 0;  // of the first of them
  std::uint64_t lent_bytes_ = 0;
  MemberTask<RamChannel, &RamChannel::serve> serve_{*this};
};

class RamdiskBackend final : public block::Backend {
 public:
  RamdiskBackend(const OpenOptions& options, const Geometry& geometry,
                 std::unique_ptr<Reservation> reservation, std::unique_ptr<RamMemory> memory,
                 LoanLimits& loans)
      : Backend(options.name, options.serial),
        geometry_(geometry),
        loans_(loans),
        reservation_(std::move(reservation)),
        memory_(std::move(memory)) {}

  Geometry geometry() const override { return geometry_; }
  std::unique_ptr<Channel> open_channel(Loop& loop) override {
    return std::make_unique<RamChannel>(loop, geometry_, memory_.get(), loans_.of(loop));
  }
  std::string info() const override {
    if (!memory_) return fmt::format("RAM disk, {}, keeps nothing", size_text(geometry_.bytes()));
    return fmt::format("RAM disk, {}, {} in memory{}", size_text(geometry_.bytes()),
                       size_text(memory_->resident_bytes()), reservation_ ? "" : ", overcommitted");
  }

 private:
  const Geometry geometry_;
  LoanLimits& loans_;
  const std::unique_ptr<Reservation> reservation_;  // outlives the memory
  const std::unique_ptr<RamMemory> memory_;
};

Result<std::uint64_t> wanted_bytes(const OpenOptions& options) {
  const auto read_pages = control_number(options, "rd_pages", 1, std::uint64_t{1} << 40);
  if (!read_pages) return std::unexpected(read_pages.error());
  const auto read_size = control_size(options, "size");
  if (!read_size) return std::unexpected(read_size.error());
  const std::optional<std::uint64_t> pages = *read_pages;
  const std::optional<std::uint64_t> size = *read_size;
  if (!pages && !size)
    return fail(EINVAL,
                fmt::format("{}: a RAM disk needs its size; give size=1G or rd_pages=262144", options.name));
  if (pages && size && *pages * kPageBytes != *size)
    return fail(EINVAL, fmt::format("{}: rd_pages={} is {} bytes but size is {} bytes; give one of them",
                                    options.name, *pages, *pages * kPageBytes, *size));
  return size ? *size : *pages * kPageBytes;
}

Result<std::unique_ptr<Reservation>> reserve(const OpenOptions& options, RamBudget& budget,
                                             std::uint64_t bytes) {
  if (!budget.reserve(bytes))
    return fail(
        ENOMEM,
        fmt::format("{}: a RAM disk of {} does not fit: {} are left of the {} that all RAM disks may "
                    "take; make it smaller, remove others, raise the limit, or set overcommit=1",
                    options.name, size_text(bytes), size_text(budget.left()), size_text(budget.limit())));
  return std::make_unique<Reservation>(budget, bytes);
}

Result<std::shared_ptr<block::Backend>> open_ramdisk(const OpenOptions& options, RamBudget& budget) {
  const auto bytes = wanted_bytes(options);
  if (!bytes) return std::unexpected(bytes.error());
  const auto block_bytes = control_block_bytes(options);
  if (!block_bytes) return std::unexpected(block_bytes.error());
  const auto nullio = control_flag(options, "rd_nullio");
  if (!nullio) return std::unexpected(nullio.error());
  const auto huge_pages = control_flag(options, "huge_pages");
  if (!huge_pages) return std::unexpected(huge_pages.error());
  const auto overcommit = control_flag(options, "overcommit");
  if (!overcommit) return std::unexpected(overcommit.error());

  Geometry geometry;
  geometry.block_bytes = block_bytes->value_or(kDefaultBlockBytes);
  geometry.discard_granularity_blocks = kPageBytes / geometry.block_bytes;
  const auto blocks = whole_blocks(options, *bytes, geometry.block_bytes);
  if (!blocks) return std::unexpected(blocks.error());
  geometry.blocks = *blocks;
  if (*nullio) return std::make_shared<RamdiskBackend>(options, geometry, nullptr, nullptr, budget.loans());

  std::unique_ptr<Reservation> reservation;
  if (!*overcommit) {
    auto reserved = reserve(options, budget, *bytes);
    if (!reserved) return std::unexpected(reserved.error());
    reservation = std::move(*reserved);
  }
  auto memory = RamMemory::map(*bytes, *huge_pages);
  if (!memory)
    return fail(memory.error().code, fmt::format("{}: a RAM disk of {}: {}; make it smaller", options.name,
                                                 size_text(*bytes), memory.error().message));
  return std::make_shared<RamdiskBackend>(options, geometry, std::move(reservation), std::move(*memory),
                                          budget.loans());
}

}  // namespace

block::Plugin make_ramdisk_plugin(RamBudget& budget) {
  return {"rd_mcp", "a disk in memory", kKeys,
          [&budget](const OpenOptions& options) { return open_ramdisk(options, budget); }};
}

}  // namespace weft::backends
