// A host over TCP on a network in memory, with a target that answers anything: the host's end of the
// transport, its controller, its path to a namespace, and commands on the way.
//
// The input is steps, each with a byte that says what: the oldest command that waits is answered as it should
// be, with the input's data or status; a PDU whose frame is right and whose content is the input's; bytes as
// they are; time; an end.  In the end all is taken down: nothing may be left, and no command unanswered.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/test_loop.h"
#include "far_end.h"
#include "host/io_queue.h"
#include "host/path.h"
#include "input.h"
#include "transports/tcp/initiator.h"
#include "transports/tcp/test_network.h"
#include "wire/fabrics.h"
#include "wire/identify.h"
#include "wire/io_command.h"
#include "wire/log_page.h"
#include "wire/opcodes.h"
#include "wire/properties.h"
#include "wire/tcp_pdu.h"

namespace weft {
namespace {

namespace pdu = wire::tcp;
using Bytes = std::vector<std::byte>;

// Bits of the first byte.
enum Prelude : std::uint8_t {
  kHeaderDigest = 1 << 0,
  kDataDigest = 1 << 1,
  kSmallChunks = 1 << 2,
  kBehaves = 1 << 3,  // the target answers as it should until the namespace is known
};

// What a step's byte says; below kFirstOfThese: deliver so many bytes.
enum Step : std::uint8_t {
  kFirstOfThese = 0xF0,
  kAnswer = 0xF0,      // as it should be
  kAnswerData = 0xF1,  // with the input's data
  kAnswerStatus = 0xF2,
  kResponse = 0xF3,  // a PDU with the input's fields
  kC2hData = 0xF4,
  kR2t = 0xF5,
  kIcResp = 0xF6,
  kR2tOfWrite = 0xF7,  // asks for the data of the oldest command
  kTime = 0xF8,
  kLongTime = 0xF9,
  kGone = 0xFA,
  kOther = 0xFB,  // the next connection is the one that is spoken on
  kCancel = 0xFC,
};

// The target's end of one connection.
class TargetEnd final : public FarEnd {
 public:
  TargetEnd(std::shared_ptr<tcp::Far> its_far, std::uint8_t prelude)
      : FarEnd(std::move(its_far), {.header_digest = (prelude & kHeaderDigest) != 0,
                                    .data_digest = (prelude & kDataDigest) != 0,
                                    .small_chunks = (prelude & kSmallChunks) != 0}) {}

  // What the host has sent since.
  void listen() {
    const auto rest = each_pdu([this](pdu::PduType type, std::span<const std::byte> bytes) {
      if (type == pdu::PduType::ic_req) asked_ = true;
      if (type == pdu::PduType::capsule_cmd) commands_.push_back(wire::load<pdu::CapsuleCmd>(bytes)->sqe);
    });
    auto& to_far = far().to_far;
    to_far.erase(to_far.begin(), to_far.end() - static_cast<std::ptrdiff_t>(rest.size()));
  }

  bool answers_ic_req() {
    if (!std::exchange(asked_, false)) return false;
    send_ic_resp(pdu::make_ic_resp({.hdgst = options().header_digest, .ddgst = options().data_digest}));
    return true;
  }
  void send_ic_resp(const pdu::IcResp& answer) { put(wire::bytes_of(answer)); }

  bool has_command() const { return !commands_.empty(); }
  wire::Sqe take_command() {
    const wire::Sqe sqe = commands_.front();
    commands_.pop_front();
    return sqe;
  }
  const wire::Sqe& command() const { return commands_.front(); }

  void send_response(const wire::Cqe& cqe) {
    send(pdu::CapsuleResp{.ch = {}, .cqe = cqe}, pdu::PduType::capsule_resp, 0, {});
  }
  void send_data(const pdu::C2hData& header, std::uint8_t flags, std::span<const std::byte> data) {
    send(header, pdu::PduType::c2h_data, flags, data);
  }
  void send_r2t(const pdu::R2t& header) { send(header, pdu::PduType::r2t, 0, {}); }

 private:
  bool asked_ = false;
  std::deque<wire::Sqe> commands_;
};

struct Proper {
  std::uint64_t result = 0;
  Bytes data;
  bool waits = false;  // an event request
};

template <class T>
Bytes copy_of(const T& value) {
  const auto raw = wire::bytes_of(value);
  return {raw.begin(), raw.end()};
}

Bytes identify_page(const wire::Sqe& sqe) {
  switch (static_cast<wire::IdentifyCns>(sqe.cdw10 & 0xFF)) {
    case wire::IdentifyCns::ns: {
      wire::IdentifyNamespace ns{};
      ns.nsze = ns.ncap = 128;
      ns.lbaf[0].lbads = 9;
      ns.anagrpid = 1;
      return copy_of(ns);
    }
    case wire::IdentifyCns::controller: {
      wire::IdentifyController controller{};
      controller.cntlid = 1;
      controller.cmic = wire::kCmicAna;
      controller.nanagrpid = 1;
      controller.oaes =
          wire::AsyncEventConfiguration::kNamespaceAttribute | wire::AsyncEventConfiguration::kAnaChange;
      controller.ioccsz = 4 + 64;
      controller.aerl = 3;
      controller.acl = 3;
      return copy_of(controller);
    }
    case wire::IdentifyCns::active_ns_list: {
      wire::NamespaceList list{};
      list.nsid[0] = 1;
      return copy_of(list);
    }
    default:
      return Bytes(wire::kIdentifySize);
  }
}

Bytes log_page(const wire::Sqe& sqe) {
  Bytes page(((sqe.cdw10 >> 16) + 1) * std::size_t{4});
  if ((sqe.cdw10 & 0xFF) != static_cast<std::uint32_t>(wire::LogId::ana)) return page;
  wire::AnaLogHeader header{};
  header.groups = 1;
  wire::AnaGroupDescriptor group{};
  group.group_id = 1;
  group.state = static_cast<std::uint8_t>(wire::AnaState::optimized);
  Bytes log = copy_of(header);
  const Bytes tail = copy_of(group);
  log.insert(log.end(), tail.begin(), tail.end());
  std::copy_n(log.begin(), std::min(log.size(), page.size()), page.begin());
  return page;
}

Proper fabrics_answer(const wire::Sqe& sqe) {
  const auto type = static_cast<wire::FabricsType>(sqe.fctype());
  if (type == wire::FabricsType::connect) return {.result = 1, .data = {}};
  if (type != wire::FabricsType::property_get) return {};
  if (sqe.cdw11 == wire::property::kCap)
    return {.result = wire::Cap{.max_queue_entries = 32, .to = 1, .css = wire::Cap::kCssNvm}.encode(),
            .data = {}};
  if (sqe.cdw11 == wire::property::kVs) return {.result = 0x20100, .data = {}};
  return {.result = 1, .data = {}};  // CSTS: ready
}

Proper answer_to(const wire::Sqe& sqe, bool is_admin) {
  if (sqe.opcode == wire::kFabricsOpcode) return fabrics_answer(sqe);
  if (!is_admin) {
    const bool reads = sqe.opcode == static_cast<std::uint8_t>(wire::IoOpcode::read);
    return {.result = 0, .data = Bytes(reads ? std::size_t{sqe.dptr.length} : 0)};
  }
  switch (static_cast<wire::AdminOpcode>(sqe.opcode)) {
    case wire::AdminOpcode::identify:
      return {.result = 0, .data = identify_page(sqe)};
    case wire::AdminOpcode::get_log_page:
      return {.result = 0, .data = log_page(sqe)};
    case wire::AdminOpcode::async_event_request:
      return {.result = 0, .data = {}, .waits = true};
    default:
      return {};  // Set Features grants one queue
  }
}

class Bed final : private host::PathOwner, private host::PathDoubter {
 public:
  explicit Bed(std::uint8_t prelude) : prelude_(prelude) {
    path_.start();
    settle();
    while ((prelude_ & kBehaves) != 0 && behave()) {
    }
  }

  ~Bed() {
    io_.give_up();
    path_.stop();
    settle();
    loops_.advance(std::chrono::minutes(3));  // nobody answers the shutdown, or a last connect
    while (networks_.connects() != 0) networks_.answer_connect(ECONNREFUSED), settle();
    loops_.advance(std::chrono::minutes(3));
    WEFT_CHECK(path_.is_gone());
    for (const TargetEnd& end : ends_) end.check_gone();
    for (const Own& each : commands_) WEFT_CHECK(!each.under_way);
  }

  void step(Input& input) {
    const std::uint8_t what = input.byte();
    if (what == kTime) loops_.advance(std::chrono::seconds(1));
    if (what == kLongTime) loops_.advance(std::chrono::minutes(2));
    if (what == kOther) ++spoken_;
    if (what == kCancel) cancel(input.byte());
    if (networks_.connects() != 0) accept();
    if (!ends_.empty()) speak(ends_[spoken_ % ends_.size()], what, input);
    settle();
    use();
  }

 private:
  struct Own : host::Command {
    bool under_way = false;
    Bytes memory = Bytes(4096);
    iovec piece{memory.data(), memory.size()};
  };

  void settle() {
    loops_.run_until_idle();
    for (TargetEnd& end : ends_) end.listen();
  }

  void accept() {
    ends_.emplace_back(networks_.answer_connect(), prelude_);
    spoken_ = ends_.size() - 1;
    settle();
  }

  // One thing as it should be; false when there is nothing to do.
  bool behave() {
    if (networks_.connects() != 0) return accept(), true;
    for (TargetEnd& end : ends_) {
      if (end.answers_ic_req()) return settle(), true;
      if (end.has_command() && answer(end)) return settle(), true;
    }
    return false;
  }

  bool answer(TargetEnd& end) {
    const wire::Sqe sqe = end.take_command();
    const Proper proper = answer_to(sqe, &end == &ends_.front());
    if (!proper.waits) reply(end, sqe, proper.result, proper.data);
    return true;
  }

  static void reply(TargetEnd& end, const wire::Sqe& sqe, std::uint64_t result,
                    std::span<const std::byte> data) {
    if (!data.empty()) {
      pdu::C2hData header{};
      header.cccid = sqe.cid;
      header.datal = static_cast<std::uint32_t>(data.size());
      end.send_data(header, pdu::kLastPdu, data);
    }
    wire::Cqe cqe{};
    cqe.cid = sqe.cid;
    cqe.result = result;
    end.send_response(cqe);
  }

  void speak(TargetEnd& end, std::uint8_t what, Input& input) {
    if (what < kFirstOfThese) return end.put(input.take(what + std::size_t{1}));
    if (what == kResponse) return end.send_response(input.value<wire::Cqe>());
    if (what == kR2t) return end.send_r2t(input.value<pdu::R2t>());
    if (what == kIcResp) return end.send_ic_resp(input.value<pdu::IcResp>());
    if (what == kGone) return end.leave();
    if (what == kC2hData) {
      const auto header = input.value<pdu::C2hData>();
      return end.send_data(header, input.byte(), input.take(input.byte()));
    }
    if (what == kAnswer && end.answers_ic_req()) return;
    if (!end.has_command()) return;
    if (what == kAnswer) answer(end);
    if (what == kAnswerData) {
      const wire::Sqe sqe = end.take_command();
      Bytes data(std::min<std::size_t>(sqe.dptr.length, 4096));
      const auto given = input.take(input.byte());
      std::copy_n(given.begin(), std::min(given.size(), data.size()), data.begin());
      reply(end, sqe, input.value<std::uint64_t>(), data);
    }
    if (what == kAnswerStatus) {
      wire::Cqe cqe{};
      cqe.cid = end.take_command().cid;
      cqe.status = input.value<std::uint16_t>();
      end.send_response(cqe);
    }
    if (what == kR2tOfWrite) {
      pdu::R2t r2t{};
      r2t.cccid = end.command().cid;
      r2t.r2tl = end.command().dptr.length;
      end.send_r2t(r2t);
    }
  }

  // Commands of the host, as long as it has a path.
  void use() {
    for (std::size_t i = 0; i < std::size(commands_); ++i) {
      Own& own = commands_[i];
      if (own.under_way || !has_path_) continue;
      own.under_way = true;
      const wire::ReadWrite range{.nsid = Nsid(1), .range = {.slba = i * 8, .blocks = 8}};
      own.sqe = i % 2 == 0 ? wire::make_read(range) : wire::make_write(range);
      own.data = {&own.piece, 1};
      own.tries_left = 5;
      own.then = [](host::Command& ended) noexcept { static_cast<Own&>(ended).under_way = false; };
      io_.submit(own);
    }
    settle();
  }

  void cancel(std::uint8_t which) {
    Own& own = commands_[which % std::size(commands_)];
    if (own.under_way) io_.cancel(own);
  }

  Result<> on_path_known(host::Path& path, const host::NamespaceInfo& /*info*/,
                         host::Access access) override {
    if (path.controller().io_queues() == 0) return fail(EIO, "no queue");
    io_.set_path(0, &path.controller().io_queue(0), access);
    has_path_ = access != host::Access::none;
    return {};
  }
  std::uint64_t number_question() override { return ++questions_; }
  void on_path_down(host::Path& path) override {
    has_path_ = false;
    if (path.controller().io_queues() != 0)
      io_.set_path(0, &path.controller().io_queue(0), host::Access::none);
  }
  void doubt(std::size_t /*path*/) override { path_.doubt(); }

  host::Options options() const {
    return {.identity = {.nqn = "nqn.2014-08.org.weft:host", .id = {1}},
            .address = {.traddr = "127.0.0.1", .trsvcid = "4420", .subnqn = "nqn.2014-08.org.weft:fuzz"},
            .header_digest = (prelude_ & kHeaderDigest) != 0,
            .data_digest = (prelude_ & kDataDigest) != 0,
            .queue_loops = {loops_.all().front()},
            .queue_entries = 8,
            .controller_loss_time = std::chrono::seconds(30),
            .patient = true};
  }

  const std::uint8_t prelude_;
  TestLoops loops_{1};
  tcp::FakeNetworks networks_{loops_};
  tcp::TcpInitiator initiator_{networks_};
  std::deque<TargetEnd> ends_;
  std::size_t spoken_ = 0;
  bool has_path_ = false;
  Own commands_[6];
  host::IoQueue io_{*loops_.all().front(), 1, std::nullopt, static_cast<host::PathDoubter&>(*this)};
  std::uint64_t questions_ = 0;
  host::Path path_{loops_, initiator_, options(), Nsid(1), 0, static_cast<host::PathOwner&>(*this)};
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
