// A whole connection: the TCP transport and the target on a network in memory, with a host that sends
// anything.
//
// The first byte says how far the host behaves before (see Prelude).  Then come steps, each with a byte that
// says what: a delivery of so many bytes as they are, or a PDU whose frame is right and whose content is the
// input's.  In the end all is taken down: nothing may be left.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/test_loop.h"
#include "block/memory_backend.h"
#include "far_end.h"
#include "input.h"
#include "target/controller.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transports/tcp/test_network.h"
#include "transports/tcp/transport.h"
#include "wire/fabrics.h"
#include "wire/nqn.h"
#include "wire/properties.h"
#include "wire/sgl.h"
#include "wire/tcp_pdu.h"

namespace weft {
namespace {

namespace pdu = wire::tcp;
using Bytes = std::vector<std::byte>;

constexpr const char* kNqn = "nqn.2014-08.org.weft:fuzz";
constexpr const char* kHostNqn = "nqn.2014-08.org.weft:host";

// Bits of the first byte.
enum Prelude : std::uint8_t {
  kHandshake = 1 << 0,  // ICReq
  kAdmin = 1 << 1,      // and Connect of the admin queue, and CC.EN
  kIo = 1 << 2,         // and a second connection as I/O queue, which takes the rest
  kHeaderDigest = 1 << 3,
  kDataDigest = 1 << 4,
  kSmallChunks = 1 << 5,  // the target receives in pieces of 7 bytes
  kNoSqFlow = 1 << 6,
};

// What a step's byte says; below kFirstOfThese: deliver so many bytes.
enum Step : std::uint8_t {
  kFirstOfThese = 0xF8,
  kCapsule = 0xF8,      // the next 64 bytes as a command
  kCapsuleData = 0xF9,  // the same with data in the capsule
  kData = 0xFA,         // H2CData that answers the last R2T
  kDataAnyTag = 0xFB,   // H2CData with the input's fields
  kTime = 0xFC,         // a second passes
  kHoldSends = 0xFD,    // the host does not read, or reads again
  kHostGone = 0xFE,     // the host closes
};

// The host's end of one connection.
class HostEnd final : public FarEnd {
 public:
  HostEnd(std::shared_ptr<tcp::Far> its_far, std::uint8_t prelude)
      : FarEnd(std::move(its_far), {.header_digest = (prelude & kHeaderDigest) != 0,
                                    .data_digest = (prelude & kDataDigest) != 0,
                                    .small_chunks = (prelude & kSmallChunks) != 0}) {}

  void send_ic_req() {
    const auto request = pdu::make_ic_req({.hdgst = options().header_digest, .ddgst = options().data_digest});
    put(wire::bytes_of(request));
  }
  void send_capsule(const wire::Sqe& sqe, std::span<const std::byte> data) {
    send(pdu::CapsuleCmd{.ch = {}, .sqe = sqe}, pdu::PduType::capsule_cmd, 0, data);
  }
  void send_data(pdu::H2cData header, std::uint8_t flags, std::span<const std::byte> data) {
    send(header, pdu::PduType::h2c_data, flags, data);
  }
  // The last R2T among what has come; what came is dropped.
  std::optional<pdu::R2t> last_r2t() {
    std::optional<pdu::R2t> found;
    each_pdu([&found](pdu::PduType type, std::span<const std::byte> bytes) {
      if (type == pdu::PduType::r2t) found = wire::load<pdu::R2t>(bytes);
    });
    far().to_far.clear();
    return found;
  }
  void toggle_sends() {
    far().sends_held = !far().sends_held;
    pump();
  }

 private:
};

class Bed {
 public:
  explicit Bed(std::uint8_t prelude) : prelude_(prelude) {
    subsystem_ = target_.add_subsystem(kNqn).value();
    WEFT_CHECK(subsystem_
                   ->change_settings([](target::SubsystemSettings& settings) -> Result<> {
                     settings.allow_any_host = true;
                     return {};
                   })
                   .has_value());
    WEFT_CHECK(
        subsystem_->add_namespace(Nsid(1), {.backend = std::make_shared<block::MemoryBackend>(128, 512)})
            .has_value());
    port_ = target_.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "4420"}).value();
    port_->link(subsystem_);
    listener_ = transport_.listen({.traddr = "127.0.0.1", .trsvcid = "4420"}, *port_).value();
    introduce();
  }

  ~Bed() {
    listener_.reset();
    transport_.shut_down();
    settle();
    WEFT_CHECK(transport_.connections() == 0);
    for (const HostEnd& host : hosts_) host.check_gone();
    WEFT_CHECK(subsystem_->controllers().empty());
    bool removed = false;
    WEFT_CHECK(target_.remove_subsystem(kNqn, [&removed] { removed = true; }).has_value());
    subsystem_.reset();
    settle();
    WEFT_CHECK(removed);
    for (Loop* loop : loops_.all()) WEFT_CHECK(loop->buffers().held_bytes() == 0);
  }

  void step(Input& input) {
    HostEnd& host = hosts_.back();
    const std::uint8_t what = input.byte();
    if (what < kFirstOfThese) host.put(input.take(what + std::size_t{1}));
    if (what == kCapsule) host.send_capsule(input.value<wire::Sqe>(), {});
    if (what == kCapsuleData) {
      const auto sqe = input.value<wire::Sqe>();
      host.send_capsule(sqe, input.take(input.byte() * std::size_t{32}));
    }
    if (what == kData) answer_r2t(host, input);
    if (what == kDataAnyTag) {
      const auto header = input.value<pdu::H2cData>();
      host.send_data(header, input.byte(), input.take(input.byte()));
    }
    if (what == kTime) loops_.advance(std::chrono::seconds(1));
    if (what == kHoldSends) host.toggle_sends();
    if (what == kHostGone) host.leave();
    settle();
  }

 private:
  void settle() { loops_.run_until_idle(); }

  HostEnd& open() {
    hosts_.emplace_back(networks_.connect(), prelude_);
    settle();
    return hosts_.back();
  }

  void introduce() {
    HostEnd& admin = open();
    if ((prelude_ & kHandshake) == 0) return;
    admin.send_ic_req();
    settle();
    if ((prelude_ & kAdmin) == 0) return;
    connect(admin, Qid(0), kDynamicController);
    admin.send_capsule(
        wire::make_property_set({.offset = wire::property::kCc,
                                 .value = wire::Cc{.en = true, .iosqes = 6, .iocqes = 4}.encode()}),
        {});
    settle();
    const auto controllers = subsystem_->controllers();
    WEFT_CHECK(controllers.size() == 1);
    if ((prelude_ & kIo) == 0) return;
    HostEnd& io = open();
    io.send_ic_req();
    settle();
    connect(io, Qid(1), controllers.front()->cntlid());
  }

  void connect(HostEnd& host, Qid qid, Cntlid cntlid) {
    wire::ConnectData data{};
    data.hostid[0] = 1;
    data.cntlid = cntlid.value();
    wire::write_terminated(data.subnqn, kNqn);
    wire::write_terminated(data.hostnqn, kHostNqn);
    wire::Sqe sqe = wire::make_connect(
        {.qid = qid, .queue_size = 32, .disable_sqflow = (prelude_ & kNoSqFlow) != 0, .kato_ms = 5000});
    wire::set_in_capsule(sqe, sizeof data);
    host.send_capsule(sqe, wire::bytes_of(data));
    settle();
  }

  static void answer_r2t(HostEnd& host, Input& input) {
    const auto r2t = host.last_r2t();
    if (!r2t) return;
    pdu::H2cData header{};
    header.cccid = r2t->cccid;
    header.ttag = r2t->ttag;
    header.datao = r2t->r2to;
    const Bytes data(std::min<std::size_t>(r2t->r2tl, 256 * 1024), std::byte{input.byte()});
    header.datal = static_cast<std::uint32_t>(data.size());
    host.send_data(header, pdu::kLastPdu, data);
  }

  const std::uint8_t prelude_;
  TestLoops loops_{2};
  tcp::FakeNetworks networks_{loops_};
  target::Target target_{loops_};
  std::shared_ptr<target::Subsystem> subsystem_;
  std::shared_ptr<target::Port> port_;
  tcp::TcpTransport transport_{networks_, {}};
  std::unique_ptr<fabric::Listener> listener_;
  std::vector<HostEnd> hosts_;
};

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kMostSteps = 200;
  weft::Input input({data, size});
  weft::Bed bed(input.byte());
  for (int steps = 0; !input.empty() && steps < kMostSteps; ++steps) bed.step(input);
  return 0;
}
