// What it costs to take apart what comes over the wire.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>

#include "wire/admin_command.h"
#include "wire/fabrics.h"
#include "wire/identify.h"
#include "wire/io_command.h"
#include "wire/nqn.h"
#include "wire/sgl.h"
#include "wire/tcp_pdu.h"

namespace weft::wire {
namespace {

void check_capsule_header(benchmark::State& state) {
  const bool digests = state.range(0) != 0;
  const tcp::Negotiated negotiated{.hdgst = digests, .ddgst = digests};
  tcp::CommonHeader header = tcp::make_header(tcp::PduType::capsule_cmd, 0, digests, digests, 0, 4096);
  for (auto _ : state) {
    benchmark::DoNotOptimize(header);
    benchmark::DoNotOptimize(tcp::check_header(header, negotiated, tcp::Direction::host_to_controller));
  }
}
BENCHMARK(check_capsule_header)->ArgName("digests")->Arg(0)->Arg(1);

void check_h2c_data(benchmark::State& state) {
  const tcp::Negotiated negotiated{.max_data = 262144};
  tcp::H2cData pdu{};
  pdu.ch = tcp::make_header(tcp::PduType::h2c_data, tcp::kLastPdu, false, false, 0, 65536);
  pdu.datal = 65536;
  for (auto _ : state) {
    benchmark::DoNotOptimize(pdu);
    const auto shape = tcp::check_header(pdu.ch, negotiated, tcp::Direction::host_to_controller);
    benchmark::DoNotOptimize(tcp::check_data(pdu, *shape));
  }
}
BENCHMARK(check_h2c_data);

Sqe read_sqe() {
  Sqe sqe = make_read({.nsid = Nsid(1), .range = {.slba = 0x123456, .blocks = 8}});
  set_transport(sqe, 4096);
  return sqe;
}

void decode_read(benchmark::State& state) {
  Sqe sqe = read_sqe();
  for (auto _ : state) {
    benchmark::DoNotOptimize(sqe);
    benchmark::DoNotOptimize(parse_read(sqe));
  }
}
BENCHMARK(decode_read);

void decode_data_pointer(benchmark::State& state) {
  Sqe sqe = read_sqe();
  if (state.range(0) != 0) set_in_capsule(sqe, 4096);
  for (auto _ : state) {
    benchmark::DoNotOptimize(sqe);
    const auto pointer = parse_data_pointer(sqe, SglSupport::transport);
    benchmark::DoNotOptimize(check_in_capsule(*pointer, 8192));
  }
}
BENCHMARK(decode_data_pointer)->ArgName("in_capsule")->Arg(0)->Arg(1);

void decode_admin(benchmark::State& state) {
  Sqe identify = make_identify({});
  Sqe log = make_get_log_page({.length = 4096});
  Sqe feature = make_get_features({.fid = 7});
  for (auto _ : state) {
    benchmark::DoNotOptimize(identify);
    benchmark::DoNotOptimize(log);
    benchmark::DoNotOptimize(feature);
    benchmark::DoNotOptimize(parse_identify(identify));
    benchmark::DoNotOptimize(parse_get_log_page(log));
    benchmark::DoNotOptimize(parse_get_features(feature));
  }
  state.SetItemsProcessed(state.iterations() * 3);
}
BENCHMARK(decode_admin);

void decode_connect(benchmark::State& state) {
  Sqe sqe = make_connect({.qid = Qid(1), .queue_size = 128});
  ConnectData data{};
  write_terminated(data.subnqn, "nqn.2014-08.org.nvmexpress:uuid:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d");
  write_terminated(data.hostnqn, "nqn.2014-08.org.nvmexpress:uuid:5e2d1b44-8d4f-4a0e-9c39-3f6b0d9e7a01");
  for (auto _ : state) {
    benchmark::DoNotOptimize(sqe);
    benchmark::DoNotOptimize(data);
    benchmark::DoNotOptimize(parse_connect(sqe));
    benchmark::DoNotOptimize(parse_connect_data(data));
  }
}
BENCHMARK(decode_connect);

// A page of Identify, from its bytes into the structure and its text fields back.
void load_identify(benchmark::State& state) {
  IdentifyController page{};
  write_padded(page.mn, "Weft");
  std::array<std::byte, sizeof(IdentifyController)> bytes{};
  std::memcpy(bytes.data(), bytes_of(page).data(), bytes.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    const auto loaded = load<IdentifyController>(bytes);
    benchmark::DoNotOptimize(read_padded(loaded->mn));
  }
}
BENCHMARK(load_identify);

}  // namespace
}  // namespace weft::wire
