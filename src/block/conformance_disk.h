// What the conformance suite stands on: the backend under test, and ways to drive its loops and its requests.
// For test binaries only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "base/dice.h"
#include "base/test_loop.h"
#include "block/backend.h"

namespace weft::block {

// The loops that a backend is tried on, from the test's own thread.
class LoopDriver {
 public:
  virtual ~LoopDriver() = default;
  virtual Loop& loop() = 0;
  virtual void call(const std::function<void()>& work) = 0;       // runs it on the loop and waits for its end
  virtual bool wait(const std::function<bool()>& condition) = 0;  // false: it never came true
};

class TestLoopDriver final : public LoopDriver {
 public:
  Loop& loop() override { return loop_; }
  void call(const std::function<void()>& work) override { work(); }
  bool wait(const std::function<bool()>& condition) override {
    while (!condition()) {
      if (loop_.run_turn()) continue;
      const auto deadline = loop_.next_deadline();
      if (!deadline) return loop_.run_until(condition);  // other threads work for it
      loop_.advance(*deadline - loop_.now());
    }
    return true;
  }

 private:
  TestLoop loop_;
};

// A backend under test and what it stands on.
class ConformanceEnvironment {
 public:
  virtual ~ConformanceEnvironment() = default;
  virtual LoopDriver& driver() = 0;
  virtual Result<std::shared_ptr<Backend>> open() = 0;  // at least 4 MiB; again when the one before is gone
  virtual bool keeps_data() const { return true; }      // false: reads are always zeroes
  virtual bool durable() const { return false; }        // what was flushed is there after open()
  virtual bool resize(std::uint64_t /*blocks*/) {
    return false;
  }  // of what lies below; refresh() then sees it
};

struct ConformanceCase {
  std::string name;
  std::function<std::unique_ptr<ConformanceEnvironment>()> make;
  friend void PrintTo(const ConformanceCase& value, std::ostream* out) { *out << value.name; }
};

// One request with its memory, in page-aligned pieces.
class DiskIo : public Request {
 public:
  static constexpr std::size_t kPageBytes = 4096;

  DiskIo(Op what, std::uint64_t first, std::uint64_t count) {
    op = what;
    lba = first;
    blocks = count;
    done = &DiskIo::answered;
  }
  // Splits the data into 1 or more pieces.
  void allocate(std::uint32_t block_bytes, Dice& dice) {
    std::uint64_t left = blocks;
    while (left > 0) {
      const bool last = pieces_.size() == kMostPieces - 1 || dice.one_in(3);
      const std::uint64_t here = last ? left : 1 + dice.below(left);
      const std::size_t bytes = here * block_bytes;
      memory_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(
                               kPageBytes, (bytes + kPageBytes - 1) / kPageBytes * kPageBytes)),
                           &std::free);
      pieces_.push_back({memory_.back().get(), bytes});
      left -= here;
    }
    data = pieces_;
  }
  void ask_for_loan() { loan = &lent; }
  std::vector<std::byte> get_lent() const {
    const auto* from = static_cast<const std::byte*>(lent.memory().iov_base);
    return {from, from + lent.memory().iov_len};
  }
  void put(const std::byte* from) {
    for (const iovec& piece : pieces_) {
      std::memcpy(piece.iov_base, from, piece.iov_len);
      from += piece.iov_len;
    }
  }
  std::vector<std::byte> get() const {
    std::vector<std::byte> bytes;
    for (const iovec& piece : pieces_) {
      const auto* from = static_cast<const std::byte*>(piece.iov_base);
      bytes.insert(bytes.end(), from, from + piece.iov_len);
    }
    return bytes;
  }

  std::atomic<std::size_t>* pending = nullptr;
  bool answered_once = false;
  Loan lent;

 private:
  static constexpr std::size_t kMostPieces = 40;  // more than a file operation takes

  static void answered(Request& request) noexcept {
    auto& io = static_cast<DiskIo&>(request);
    EXPECT_FALSE(io.answered_once);
    io.answered_once = true;
    io.pending->fetch_sub(1);
  }

  std::vector<iovec> pieces_;
  std::vector<std::unique_ptr<std::byte, void (*)(void*)>> memory_;
};

// The backend with a channel, and what it should hold.
class Disk {
 public:
  Disk(ConformanceEnvironment& environment) : environment_(environment) { open(); }
  ~Disk() { close(); }

  void open() {
    auto opened = environment_.open();
    ASSERT_TRUE(opened) << opened.error().message;
    backend = *opened;
    geometry = backend->geometry();
    environment_.driver().call([this] { channel_ = backend->open_channel(environment_.driver().loop()); });
    model_.resize(geometry.bytes());
  }
  void close() {
    environment_.driver().call([this] { channel_.reset(); });
    backend.reset();
  }

  using Batch = std::vector<std::unique_ptr<DiskIo>>;

  // Submits all in one turn and waits for their answers.
  void run(const Batch& batch) {
    std::atomic<std::size_t> pending = batch.size();
    environment_.driver().call([&] {
      for (const auto& io : batch) {
        io->pending = &pending;
        channel_->submit(*io);
        EXPECT_FALSE(io->answered_once) << "answered within submit";
      }
    });
    ASSERT_TRUE(environment_.driver().wait([&] { return pending.load() == 0; }));
  }
  int run_one(std::unique_ptr<DiskIo> io) {
    Batch batch;
    batch.push_back(std::move(io));
    run(batch);
    return batch.front()->error;
  }

  std::unique_ptr<DiskIo> make_write(std::uint64_t lba, std::uint64_t blocks, bool fua = false) {
    auto io = std::make_unique<DiskIo>(Op::write, lba, blocks);
    io->fua = fua;
    io->allocate(geometry.block_bytes, dice);
    std::vector<std::byte> bytes(blocks * geometry.block_bytes);
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
      const std::uint64_t word = dice.next();
      std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    io->put(bytes.data());
    return io;
  }
  std::unique_ptr<DiskIo> make_read(std::uint64_t lba, std::uint64_t blocks) {
    auto io = std::make_unique<DiskIo>(Op::read, lba, blocks);
    io->allocate(geometry.block_bytes, dice);
    for (const iovec& piece : io->data) std::memset(piece.iov_base, 0xA5, piece.iov_len);
    return io;
  }

  // These keep the model and expect success.
  void write(std::uint64_t lba, std::uint64_t blocks, bool fua = false) {
    Batch batch;
    batch.push_back(make_write(lba, blocks, fua));
    run(batch);
    EXPECT_EQ(batch.front()->error, 0);
    note(*batch.front());
  }
  void zero(Op op, std::uint64_t lba, std::uint64_t blocks, bool may_unmap = false, bool fua = false) {
    auto io = std::make_unique<DiskIo>(op, lba, blocks);
    io->may_unmap = may_unmap;
    io->fua = fua;
    Batch batch;
    batch.push_back(std::move(io));
    run(batch);
    EXPECT_EQ(batch.front()->error, 0);
    note(*batch.front());
  }
  bool lends() const { return channel_->lends(); }
  // Null: it was declined.
  std::unique_ptr<DiskIo> borrow(std::uint64_t lba, std::uint64_t blocks) {
    Batch batch;
    batch.push_back(std::make_unique<DiskIo>(Op::read, lba, blocks));
    batch.front()->ask_for_loan();
    run(batch);
    if (batch.front()->is_declined()) return nullptr;
    expect_bytes(*batch.front(), batch.front()->get_lent());
    return std::move(batch.front());
  }
  void give_back(DiskIo& io) {
    environment_.driver().call([&] { io.lent.give_back(); });
  }
  void flush() { EXPECT_EQ(run_one(std::make_unique<DiskIo>(Op::flush, 0, 0)), 0); }
  void expect(std::uint64_t lba, std::uint64_t blocks) {
    Batch batch;
    batch.push_back(make_read(lba, blocks));
    run(batch);
    expect_read(*batch.front());
  }
  void expect_read(const DiskIo& io) const { expect_bytes(io, io.get()); }
  void expect_bytes(const DiskIo& io, const std::vector<std::byte>& bytes) const {
    ASSERT_EQ(io.error, 0) << "read of " << io.blocks << " blocks from " << io.lba;
    ASSERT_EQ(bytes.size(), io.blocks * geometry.block_bytes);
    const std::byte* wanted = model_.data() + io.lba * geometry.block_bytes;
    const auto differ = std::mismatch(bytes.begin(), bytes.end(), wanted).first;
    EXPECT_TRUE(differ == bytes.end())
        << "read of " << io.blocks << " blocks from " << io.lba << " differs in block "
        << io.lba + static_cast<std::uint64_t>(differ - bytes.begin()) / geometry.block_bytes;
  }
  void note(const DiskIo& io) {
    std::byte* at = model_.data() + io.lba * geometry.block_bytes;
    if (io.op == Op::write && environment_.keeps_data()) {
      const auto bytes = io.get();
      std::copy(bytes.begin(), bytes.end(), at);
    } else if (modifies(io.op)) {
      std::memset(at, 0, io.blocks * geometry.block_bytes);
    }
  }

  std::shared_ptr<Backend> backend;
  Geometry geometry;
  Dice dice{20240607};

 private:
  ConformanceEnvironment& environment_;
  std::unique_ptr<Channel> channel_;
  std::vector<std::byte> model_;
};

}  // namespace weft::block
