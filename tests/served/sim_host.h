// The target behind the TCP transport on loops that the test turns and a network in memory, and a small host
// for it. Nothing happens but inside these calls.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "block/delay.h"
#include "block/memory_backend.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transports/tcp/test_host.h"
#include "wire/fabrics.h"

namespace weft::served {

using tcp::Agreement;
using tcp::Bytes;

inline constexpr std::string_view kNqn = "nqn.2024-01.test:served";
inline constexpr std::string_view kHostNqn = "nqn.2014-08.test:host";
inline constexpr Nsid kNsid{1};

struct SimServer {
  static constexpr std::uint64_t kBlocks = 16384;
  static constexpr std::uint32_t kBlockBytes = 512;

  explicit SimServer(unsigned count = 2, tcp::Options tcp_options = {});
  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;
  ~SimServer();  // what hosts have left is checked here

  TestLoops loops;
  tcp::FakeNetworks networks;
  target::Target target;
  tcp::TcpTransport transport;
  std::shared_ptr<block::DelayBackend> disk;
  std::shared_ptr<target::Subsystem> subsystem;
  std::shared_ptr<target::Port> port;
  std::unique_ptr<fabric::Listener> listener;
};

// What Connect says, right as it comes out of these.
wire::ConnectData connect_data(std::uint16_t cntlid = 0xFFFF);
wire::Sqe connect_sqe(std::uint16_t qid, std::uint32_t entries = 32);

// One connection.  Leaves without a word when it is destroyed.
class SimQueue {
 public:
  explicit SimQueue(SimServer& server, const Agreement& agreed = {}, bool handshake = true);
  SimQueue(const SimQueue&) = delete;
  SimQueue& operator=(const SimQueue&) = delete;
  ~SimQueue();

  struct Done {
    wire::Cqe cqe{};
    Bytes data;
    wire::Status status() const { return cqe.decoded_status(); }
    bool ok() const { return status().ok(); }
  };

  enum class Data : std::uint8_t { none, in_capsule, by_r2t, to_host };
  // The cid of a command that is sent now; `out` goes as `how` says, or so many bytes are expected.
  std::uint16_t submit(wire::Sqe sqe, Data how = Data::none, Bytes out = {}, std::uint32_t in_bytes = 0);
  // Until the loops are idle: takes what came and answers R2Ts, unless `hold_r2ts`.
  void run();
  bool is_done(std::uint16_t cid) const { return done_.contains(cid); }
  Done take(std::uint16_t cid);  // fails the test unless it is done
  Done execute(const wire::Sqe& sqe, Data how = Data::none, Bytes out = {}, std::uint32_t in_bytes = 0) {
    const std::uint16_t cid = submit(sqe, how, std::move(out), in_bytes);
    run();
    return take(cid);
  }
  void send(std::span<const std::byte> bytes);  // any
  void end(int error = 0);                      // the host goes

  bool is_closed() const { return far_->closed; }
  tcp::Far& far() { return *far_; }
  const std::vector<wire::tcp::TermReq>& terminations() const { return terminations_; }
  bool hold_r2ts = false;
  std::vector<wire::tcp::R2t> held_r2ts;
  void answer(const wire::tcp::R2t& r2t);

 private:
  void take_all();

  SimServer& server_;
  Agreement agreed_;
  std::shared_ptr<tcp::Far> far_;
  std::uint16_t next_cid_ = 1;
  std::map<std::uint16_t, Bytes> out_;  // of writes
  std::map<std::uint16_t, Bytes> in_;
  std::map<std::uint16_t, Done> done_;
  std::vector<wire::tcp::TermReq> terminations_;
};

// An enabled controller with I/O queues.
struct SimHost {
  explicit SimHost(SimServer& server, std::uint16_t io_queues = 1, const Agreement& agreed = {});

  wire::Status write(std::uint64_t lba, const Bytes& data, bool in_capsule = false, std::size_t queue = 0);
  Bytes read(std::uint64_t lba, std::uint32_t blocks, std::size_t queue = 0);  // empty when it failed
  // Writes, reads and compares what `seed` says at its place.
  void verify(unsigned seed);

  SimServer& server;
  std::uint16_t cntlid = 0;
  std::unique_ptr<SimQueue> admin;
  std::vector<std::unique_ptr<SimQueue>> io;
};

}  // namespace weft::served
