// Reads of 4 KiB through a ring, by descriptor and by an entry of the ring's table.
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <future>
#include <memory>

#include "base/call.h"
#include "reactor/reactor.h"

namespace weft::reactor {
namespace {

constexpr std::size_t kBytes = 4096;
constexpr unsigned kDepth = 32;
constexpr unsigned kBatch = 32 * 1024;  // reads between two messages to the loop

struct Reader;

struct Read : FileOp {
  Reader* reader = nullptr;
  std::array<std::byte, kBytes> memory{};
  iovec piece{memory.data(), kBytes};
};

struct Reader {
  FileIo& files;
  std::array<Read, kDepth> reads;
  unsigned left = 0;
  unsigned in_flight = 0;
  std::promise<void> done;

  void submit(Read& read) {
    --left;
    ++in_flight;
    files.submit(read);
  }
  static void on_read(FileOp& op) noexcept {
    auto& read = static_cast<Read&>(op);
    if (read.error != 0) std::abort();
    Reader& reader = *read.reader;
    --reader.in_flight;
    if (reader.left > 0)
      reader.submit(read);
    else if (reader.in_flight == 0)
      reader.done.set_value();
  }
};

template <class Work>
void on_loop(Loop& loop, Work work) {
  std::promise<void> ran;
  post_call(loop, [&] {
    work();
    ran.set_value();
  });
  ran.get_future().wait();
}

void file_read(benchmark::State& state) {
  auto reactors = Reactors::start({.count = 1, .buffer_bytes_each = 1 << 20});
  if (!reactors) return state.SkipWithError(reactors.error().message.c_str());
  Loop& loop = *(*reactors)->all()[0];
  FileIo& files = (*reactors)->of(loop);
  const int fd = ::memfd_create("file_ring_bench", MFD_CLOEXEC);
  if (::ftruncate(fd, kBytes * kDepth) != 0) return state.SkipWithError("ftruncate");
  std::unique_ptr<FileEntry> entry;
  if (state.range(0) != 0) on_loop(loop, [&] { entry = std::make_unique<FileEntry>(files, fd); });
  Reader reader{.files = files};
  for (unsigned i = 0; i < kDepth; ++i) {
    Read& read = reader.reads[i];
    read.reader = &reader;
    read.kind = FileOp::Kind::read;
    read.fd = fd;
    read.slot = entry ? entry->slot() : kNoSlot;
    read.offset_bytes = kBytes * i;
    read.pieces = {&read.piece, 1};
    read.done = &Reader::on_read;
  }
  for (auto _ : state) {
    reader.done = {};
    auto done = reader.done.get_future();
    post_call(loop, [&] {
      reader.left = kBatch;
      for (Read& read : reader.reads) reader.submit(read);
    });
    done.wait();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  on_loop(loop, [&] { entry.reset(); });
  (*reactors)->stop();
  ::close(fd);
}
BENCHMARK(file_read)->ArgName("entered")->Arg(0)->Arg(1)->UseRealTime();

}  // namespace
}  // namespace weft::reactor
