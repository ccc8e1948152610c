// instructions fake_host|tcp null|ramdisk read4k|write4k COUNT: executes so many commands, 32 at a time, in
// counted() and its callees, and little else.  bench/instructions/count runs it under callgrind.
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/instructions/memory_network.h"
#include "bench/target_bed.h"
#include "transports/tcp/transport.h"
#include "wire/fabrics.h"
#include "wire/nqn.h"
#include "wire/sgl.h"
#include "wire/tcp_pdu.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kDepth = 32;
constexpr std::int64_t kWarmUp = 4;  // batches until slabs and pools have grown
constexpr std::uint32_t kBytes = 4096;

using Bytes = std::vector<std::byte>;

template <class Pdu>
void append(Bytes& to, const Pdu& pdu) {
  const auto bytes = wire::bytes_of(pdu);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// A capsule with `data` in it, or without and `expected` bytes to come back.
void append_capsule(Bytes& to, wire::Sqe sqe, std::uint16_t cid, std::span<const std::byte> data,
                    std::uint32_t expected) {
  sqe.cid = cid;
  if (data.empty())
    wire::set_transport(sqe, expected);
  else
    wire::set_in_capsule(sqe, static_cast<std::uint32_t>(data.size()));
  wire::tcp::CapsuleCmd pdu{};
  pdu.ch = wire::tcp::make_header(wire::tcp::PduType::capsule_cmd, 0, false, false, 0,
                                  static_cast<std::uint32_t>(data.size()));
  pdu.sqe = sqe;
  append(to, pdu);
  to.insert(to.end(), data.begin(), data.end());
}

// The second I/O queue of the bed's host, over TCP.
class TcpQueue {
 public:
  explicit TcpQueue(TargetBed& bed) : bed_(bed) {
    networks_.connect();
    bed_.loops().loop().run_until_idle();
    Bytes hello;
    append(hello, wire::tcp::make_ic_req({}));
    give(hello);
    wire::ConnectData who{};
    const fabric::FakeHost::Options host;
    std::memcpy(who.hostid, host.hostid.data(), host.hostid.size());
    who.cntlid = bed_.host().cntlid().value();
    wire::write_terminated(who.subnqn, TargetBed::kNqn);
    wire::write_terminated(who.hostnqn, host.hostnqn);
    Bytes connect;
    append_capsule(connect, wire::make_connect({.qid = Qid(2), .queue_size = 128, .disable_sqflow = true}), 1,
                   wire::bytes_of(who), 0);
    give(connect);
  }
  ~TcpQueue() {
    listener_.reset();
    transport_.shut_down();
    bed_.loops().loop().run_until_idle();
  }
  TcpQueue(const TcpQueue&) = delete;
  TcpQueue& operator=(const TcpQueue&) = delete;

  Bytes batch_of(Command command) const {
    const Bytes data(kBytes, std::byte{0x5A});
    Bytes all;
    for (std::int64_t i = 0; i < kDepth; ++i)
      append_capsule(all, bed_.next(command), static_cast<std::uint16_t>(i + 1),
                     command == kRead ? std::span<const std::byte>() : data, kBytes);
    return all;
  }
  void give(std::span<const std::byte> bytes) const {
    if (networks_.stream() == nullptr) give_up("the target ended the connection");
    networks_.stream()->give(bytes);
    bed_.loops().loop().run_until_idle();
  }
  std::uint64_t succeeded() const { return networks_.stream()->succeeded(); }

 private:
  TargetBed& bed_;
  MemoryNetworks networks_{bed_.loops()};
  tcp::TcpTransport transport_{networks_, {}};
  std::unique_ptr<fabric::Listener> listener_ =
      must(transport_.listen({.traddr = "127.0.0.1", .trsvcid = "4420"}, bed_.port()));
};

}  // namespace

// Callgrind counts what is within it, by its name.
[[gnu::noinline]] void counted(const std::function<void()>& work) {
  work();
}

namespace {

void run_fake_host(TargetBed& bed, Command command, std::int64_t batches) {
  for (std::int64_t i = 0; i < kWarmUp; ++i) bed.batch(command, kDepth);
  counted([&] {
    for (std::int64_t i = 0; i < batches; ++i) bed.batch(command, kDepth);
  });
  must(bed.failed() == 0);
}

void run_tcp(TargetBed& bed, Command command, std::int64_t batches) {
  const TcpQueue queue(bed);
  const std::uint64_t before = queue.succeeded();
  for (std::int64_t i = 0; i < kWarmUp; ++i) queue.give(queue.batch_of(command));
  for (std::int64_t i = 0; i < batches; ++i) {
    const Bytes capsules = queue.batch_of(command);
    counted([&] { queue.give(capsules); });
  }
  must(queue.succeeded() - before == static_cast<std::uint64_t>((batches + kWarmUp) * kDepth));
}

int run(std::string_view way, std::string_view medium, std::string_view pattern, std::int64_t count) {
  const Medium on = medium == "null" ? kNull : kRam;
  const bool reads = pattern == "read4k";
  TargetBed bed(on, 1);
  if (on == kRam) bed.touch_all();
  if (way == "fake_host")
    run_fake_host(bed, reads ? kRead : kWrite, count / kDepth);
  else
    run_tcp(bed, reads ? kRead : kWriteInCapsule, count / kDepth);
  return 0;
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool right = words.size() == 4 && (words[0] == "fake_host" || words[0] == "tcp") &&
                     (words[1] == "null" || words[1] == "ramdisk") &&
                     (words[2] == "read4k" || words[2] == "write4k") && std::atoll(words[3].c_str()) >= 32;
  if (!right) {
    fmt::print(stderr, "usage: instructions fake_host|tcp null|ramdisk read4k|write4k COUNT (32 or more)\n");
    return 2;
  }
  return weft::bench::run(words[0], words[1], words[2], std::atoll(words[3].c_str()));
}
