#include "raw_host/host_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "raw_host/scripted_peer.h"
#include "wire/opcodes.h"
#include "wire/sgl.h"

namespace weft::raw_host {
namespace {

namespace tcp = wire::tcp;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr std::uint32_t kBlock = 512;
constexpr std::uint32_t kInCapsule = 1024;
constexpr std::uint16_t kCntlid = 5;

// A controller with one small namespace; each of its connections runs serve().
class SmallController {
 public:
  void serve(PeerConnection& host) {
    host.accept_init();
    Pdu pdu;
    while (host.receive(pdu)) {
      if (!pdu.is(tcp::PduType::capsule_cmd)) throw Failure("a command was expected");
      const auto sqe = pdu.as<tcp::CapsuleCmd>().sqe;
      const std::lock_guard lock(mutex_);
      if (sqe.opcode == wire::kFabricsOpcode)
        fabrics(host, sqe, pdu.data);
      else if (queues_.at(&host) == 0)
        admin(host, sqe, pdu.data);
      else
        io(host, sqe, pdu.data);
    }
  }

  std::vector<int> io_opcodes() {
    const std::lock_guard lock(mutex_);
    return io_opcodes_;
  }
  std::vector<std::uint16_t> connected() {
    const std::lock_guard lock(mutex_);
    return connected_;
  }
  bool grant_queues = true;

 private:
  void fabrics(PeerConnection& host, const wire::Sqe& sqe, const Bytes& data) {
    switch (static_cast<wire::FabricsType>(sqe.fctype())) {
      case wire::FabricsType::connect: {
        const std::uint16_t qid = wire::parse_connect(sqe)->qid.value();
        const wire::ConnectData sent = *wire::load<wire::ConnectData>(data);
        const auto parameters = wire::parse_connect_data(sent);
        const bool right = parameters && parameters->subnqn == "nqn.2024-01.example:disk" &&
                           parameters->cntlid.value() == (qid == 0 ? 0xFFFF : kCntlid);
        queues_[&host] = qid;
        connected_.push_back(qid);
        if (right) return host.respond(sqe.cid, kCntlid);
        return host.respond(sqe.cid, 0x10100, wire::status::kConnectInvalidParameters.with_dnr());
      }
      case wire::FabricsType::property_set:
        cc_ = wire::Cc::decode(static_cast<std::uint32_t>(wire::parse_property_set(sqe)->value));
        polls_ = 2;
        return host.respond(sqe.cid);
      case wire::FabricsType::property_get:
        return host.respond(sqe.cid, csts());
      default:
        return host.respond(sqe.cid);
    }
  }

  std::uint32_t csts() {
    if (polls_ > 0) --polls_;
    const bool shut = cc_.shn == wire::ShutdownNotification::normal && polls_ == 0;
    return wire::Csts{.rdy = cc_.en && polls_ == 0,
                      .shst = shut ? wire::ShutdownStatus::complete : wire::ShutdownStatus::normal}
        .encode();
  }

  void admin(PeerConnection& host, const wire::Sqe& sqe, const Bytes& data) {
    switch (static_cast<wire::AdminOpcode>(sqe.opcode)) {
      case wire::AdminOpcode::identify: {
        if (wire::parse_identify(sqe)->cns == 0) {
          wire::IdentifyNamespace page{};
          page.nsze = 64;
          return send(host, sqe.cid, wire::bytes_of(page));
        }
        wire::IdentifyController page{};
        page.ioccsz = (64 + kInCapsule) / 16;
        return send(host, sqe.cid, wire::bytes_of(page));
      }
      case wire::AdminOpcode::get_log_page:
        return send(host, sqe.cid, Bytes(wire::parse_get_log_page(sqe)->length, std::byte{9}));
      case wire::AdminOpcode::set_features:
        if (!data.empty()) return host.respond(sqe.cid, data.size());
        return host.respond(sqe.cid, grant_queues ? std::uint64_t{sqe.cdw11} : 0);
      case wire::AdminOpcode::get_features:
        return host.respond(sqe.cid, 0x1234);
      case wire::AdminOpcode::async_event_request:
        event_ = sqe.cid;
        return;
      case wire::AdminOpcode::keep_alive:  // brings the event, after its own answer
        host.respond(sqe.cid);
        return host.respond(event_, wire::kNamespaceChangedEvent.encode());
      default:
        return host.respond(sqe.cid, 0, wire::status::kInvalidOpcode.with_dnr());
    }
  }

  void io(PeerConnection& host, const wire::Sqe& sqe, Bytes data) {
    io_opcodes_.push_back(sqe.opcode);
    const std::size_t at = static_cast<std::size_t>(sqe.cdw10) * kBlock;
    if (sqe.dptr.type == wire::kSglTransport &&
        wire::data_direction(sqe.opcode) == wire::DataDirection::host_to_controller)
      data = pull(host, sqe);
    switch (static_cast<wire::IoOpcode>(sqe.opcode)) {
      case wire::IoOpcode::read:
        return send(host, sqe.cid, std::span(disk_).subspan(at, sqe.dptr.length));
      case wire::IoOpcode::write:
        std::ranges::copy(data, disk_.begin() + static_cast<std::ptrdiff_t>(at));
        return host.respond(sqe.cid);
      case wire::IoOpcode::compare: {
        const bool same = std::memcmp(data.data(), disk_.data() + at, data.size()) == 0;
        return host.respond(sqe.cid, 0, same ? wire::status::kSuccess : wire::status::kCompareFailure);
      }
      default:
        return host.respond(sqe.cid);
    }
  }

  static Bytes pull(PeerConnection& host, const wire::Sqe& sqe) {
    Bytes data;
    if (sqe.dptr.length == 0) return data;
    host.ask(sqe.cid, 1, 0, sqe.dptr.length);
    Pdu pdu;
    while (data.size() < sqe.dptr.length && host.receive(pdu))
      data.insert(data.end(), pdu.data.begin(), pdu.data.end());
    return data;
  }

  static void send(PeerConnection& host, std::uint16_t cid, std::span<const std::byte> data) {
    host.send(host.data(cid, 0, data, tcp::kLastPdu | tcp::kSuccess));
  }

  std::mutex mutex_;
  std::map<const PeerConnection*, std::uint16_t> queues_;
  std::vector<std::uint16_t> connected_;
  std::vector<int> io_opcodes_;
  wire::Cc cc_;
  unsigned polls_ = 0;
  std::uint16_t event_ = 0;
  Bytes disk_ = Bytes(std::size_t{64} * kBlock);
};

class HostControllerTest : public ::testing::Test {
 protected:
  HostOptions options() const {
    HostOptions options;
    options.queue.port = peer_.port();
    options.queue.init = {.hdgst = true, .ddgst = true};
    options.subnqn = "nqn.2024-01.example:disk";
    return options;
  }

  SmallController target_;
  ScriptedPeer peer_{[this](PeerConnection& host) { target_.serve(host); }};
  PduLog log_;
};

TEST_F(HostControllerTest, ConnectsEnablesAndIdentifies) {
  HostController host(options(), log_);
  EXPECT_EQ(host.cntlid(), Cntlid(kCntlid));
  EXPECT_EQ(host.in_capsule_bytes(), kInCapsule);
  EXPECT_EQ(host.identify_namespace(Nsid(1)).nsze, 64u);
  host.connect_io(2);
  host.connect_io(1);
  EXPECT_THAT(target_.connected(), ElementsAre(0, 1, 2, 3));
  host.shut_down();
  host.disconnect();
  EXPECT_EQ(host.io_queues(), 0u);
}

TEST_F(HostControllerTest, ARefusalIsAFailureThatNamesIt) {
  HostOptions wrong = options();
  wrong.subnqn = "nqn.2024-01.example:other";
  EXPECT_THAT([&] { HostController host(wrong, log_); },
              ThrowsMessage<Failure>(HasSubstr("Invalid Parameters")));
  target_.grant_queues = false;
  HostController host(options(), log_);
  EXPECT_THAT([&] { host.connect_io(4); }, ThrowsMessage<Failure>(HasSubstr("1 of 4")));
}

TEST_F(HostControllerTest, AdminCommands) {
  HostController host(options(), log_);
  EXPECT_EQ(host.get_log({.lid = 2}, 512).data, Bytes(512, std::byte{9}));
  EXPECT_EQ(host.get_features({.fid = 7}).dw0(), 0x1234u);
  EXPECT_EQ(host.set_features({.fid = 0x16}, Bytes(512)).dw0(), 512u);
  EXPECT_TRUE(host.abort(Qid(1), Cid(3)).status().is(wire::status::kInvalidOpcode));
  const std::uint16_t event = host.submit_async_event_request();
  EXPECT_TRUE(host.keep_alive().ok());
  EXPECT_EQ(wire::AsyncEvent::decode(host.admin().wait(event).dw0()), wire::kNamespaceChangedEvent);
}

TEST_F(HostControllerTest, IoCommandsWithDataInTheCapsuleAndByR2t) {
  HostController host(options(), log_);
  host.connect_io(2);
  for (const std::uint32_t blocks : {2u, 16u}) {  // at and above what a capsule carries
    const Bytes data(std::size_t{blocks} * kBlock, std::byte(blocks));
    const wire::LbaRange range{.slba = 4, .blocks = blocks};
    const Completion written = host.write(Nsid(1), range, data, true);
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(written.r2ts, blocks == 2 ? 0u : 1u);
    EXPECT_EQ(host.read(Nsid(1), range, kBlock, 1).data, data);
    EXPECT_TRUE(host.compare(Nsid(1), range, data).ok());
    EXPECT_TRUE(host.compare(Nsid(1), range, Bytes(data.size())).status().is(wire::status::kCompareFailure));
  }
  const wire::DsmRange range{.blocks = 1, .slba = 2};
  EXPECT_TRUE(host.flush(Nsid(1)).ok());
  EXPECT_TRUE(host.write_zeroes(Nsid(1), {.slba = 0, .blocks = 1}).ok());
  EXPECT_TRUE(host.deallocate(Nsid(1), {&range, 1}).ok());
  EXPECT_THAT(target_.io_opcodes(), ElementsAre(1, 2, 5, 5, 1, 2, 5, 5, 0, 8, 9));

  const auto first = host.submit_write(Nsid(1), {.slba = 0, .blocks = 1}, Bytes(kBlock, std::byte{1}));
  const auto second = host.submit_read(Nsid(1), {.slba = 0, .blocks = 1}, kBlock);
  EXPECT_EQ(host.io(0).wait(second).data, Bytes(kBlock, std::byte{1}));
  EXPECT_TRUE(host.io(0).wait(first).ok());
}

}  // namespace
}  // namespace weft::raw_host
