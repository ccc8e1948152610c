// CRC32C of headers and data.
#include <benchmark/benchmark.h>

#include <vector>

#include "transports/tcp/digest.h"

namespace weft::tcp {
namespace {

void digest(benchmark::State& state) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{0x5A});
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::DoNotOptimize(Digest::of(bytes));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(digest)->ArgName("bytes")->Arg(72)->Arg(4096)->Arg(131072);

// The same bytes as they lie in memory: in pieces.
void digest_pieces(benchmark::State& state) {
  constexpr std::size_t kPieceBytes = 4096;
  std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{0x5A});
  std::vector<iovec> pieces;
  for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes)
    pieces.push_back({bytes.data() + at, kPieceBytes});
  for (auto _ : state) benchmark::DoNotOptimize(Digest::of(pieces));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(digest_pieces)->ArgName("bytes")->Arg(131072);

}  // namespace
}  // namespace weft::tcp
