#include "raw_host/raw_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "raw_host/scripted_peer.h"
#include "wire/opcodes.h"
#include "wire/sgl.h"

namespace weft::raw_host {
namespace {

namespace tcp = wire::tcp;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Bytes pattern(std::size_t bytes) {
  Bytes data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(i * 7 + i / 256);
  return data;
}

wire::Sqe sqe(wire::IoOpcode opcode) {
  return {.opcode = static_cast<std::uint8_t>(opcode)};
}

RawQueue::Options to(const ScriptedPeer& peer) {
  return {.port = peer.port()};
}

TEST(RawQueue, WritesByR2tAndReadsWithAllDigestsAndAlignments) {
  struct Case {
    bool hdgst;
    bool ddgst;
    std::uint8_t hpda;
    std::uint8_t cpda;
  };
  for (const Case& c : {Case{false, false, 0, 0}, Case{true, false, 0, 3}, Case{false, true, 7, 0},
                        Case{true, true, 31, 31}}) {
    Bytes arrived;
    std::vector<std::uint32_t> sizes;
    ScriptedPeer peer([&](PeerConnection& host) {
      host.format.pda = c.cpda;
      host.accept_init();
      const wire::Sqe write = host.receive_command();
      for (std::uint32_t offset = 0; offset < 10000; offset += 5000) {
        host.ask(write.cid, 77, offset, 5000);
        for (bool last = false; !last;) {
          Pdu pdu;
          ASSERT_TRUE(host.receive(pdu));
          ASSERT_TRUE(pdu.is(tcp::PduType::h2c_data));
          EXPECT_EQ(pdu.as<tcp::H2cData>().ttag, 77);
          EXPECT_EQ(pdu.as<tcp::H2cData>().datao, arrived.size());
          arrived.insert(arrived.end(), pdu.data.begin(), pdu.data.end());
          sizes.push_back(pdu.as<tcp::H2cData>().datal);
          last = pdu.has_flag(tcp::kLastPdu);
        }
      }
      host.respond(write.cid);
      const wire::Sqe read = host.receive_command();
      host.send(host.data(read.cid, 0, std::span(arrived).first(6000), 0));
      host.send(host.data(read.cid, 6000, std::span(arrived).subspan(6000), tcp::kLastPdu | tcp::kSuccess));
    });
    PduLog log;
    RawQueue::Options options = to(peer);
    options.init = {.hpda = c.hpda, .hdgst = c.hdgst, .ddgst = c.ddgst};
    options.h2c_sizes = {1000, 9999};  // the second is above MAXH2CDATA
    RawQueue queue(options, log);
    const Completion written = queue.execute(sqe(wire::IoOpcode::write), {.out = pattern(10000)});
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(written.r2ts, 2u);
    EXPECT_THAT(sizes, ElementsAre(1000, 4000, 1000, 4000));
    const Completion read = queue.execute(sqe(wire::IoOpcode::read), {.in = 10000});
    EXPECT_TRUE(read.by_success_flag);
    EXPECT_EQ(read.data, pattern(10000));
    EXPECT_EQ(log.count(Way::sent, tcp::PduType::h2c_data), 4u);
    EXPECT_EQ(log.count(Way::received, tcp::PduType::r2t), 2u);
    EXPECT_EQ(log.count(Way::received, tcp::PduType::c2h_data), 2u);
    EXPECT_EQ(log.count(Way::received, tcp::PduType::capsule_resp), 1u);
  }
}

TEST(RawQueue, SeveralCommandsCompleteInAnyOrder) {
  ScriptedPeer peer([](PeerConnection& host) {
    host.accept_init();
    Bytes data;
    const wire::Sqe first = host.receive_command(&data);
    EXPECT_EQ(data, pattern(512));
    EXPECT_EQ(first.dptr.type, wire::kSglInCapsule);
    const wire::Sqe second = host.receive_command();
    host.respond(second.cid, 2);
    host.respond(first.cid, 1, wire::status::kWriteFault);
  });
  PduLog log;
  RawQueue queue(to(peer), log);
  const auto first = queue.submit(sqe(wire::IoOpcode::write), {.out = pattern(512), .in_capsule = true});
  const auto second = queue.submit(sqe(wire::IoOpcode::flush));
  EXPECT_NE(first, second);
  const Completion one = queue.wait(first);
  EXPECT_EQ(one.order, 2u);
  EXPECT_TRUE(one.status().is(wire::status::kWriteFault));
  EXPECT_TRUE(queue.is_completed(second));
  EXPECT_EQ(queue.wait(second).dw0(), 2u);
}

TEST(RawQueue, R2tsMayWaitForTheTest) {
  ScriptedPeer peer([](PeerConnection& host) {
    host.accept_init();
    const wire::Sqe write = host.receive_command();
    host.ask(write.cid, 1, 0, 100);
    host.ask(write.cid, 2, 100, 100);
    Pdu pdu;
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(host.receive(pdu));
    EXPECT_EQ(pdu.as<tcp::H2cData>().ttag, 1);  // the second was answered first
    host.respond(write.cid);
  });
  PduLog log;
  RawQueue::Options options = to(peer);
  options.init.maxr2t = 2;
  options.answer_r2ts = false;
  RawQueue queue(options, log);
  const auto cid = queue.submit(sqe(wire::IoOpcode::write), {.out = pattern(200)});
  while (queue.r2ts_waiting().size() < 2) queue.receive_one();
  queue.answer(queue.r2ts_waiting().back());
  queue.answer(queue.r2ts_waiting().front());
  EXPECT_TRUE(queue.wait(cid).ok());
  EXPECT_TRUE(queue.r2ts_waiting().empty());
}

// What a controller must not do to a command with 100 bytes to or from the host.
TEST(RawQueue, NoticesWhatAControllerMustNotDo) {
  struct Case {
    const char* message;
    bool write;
    std::function<void(PeerConnection&, std::uint16_t cid)> act;
  };
  const Case cases[] = {
      {"R2TO", true, [](auto& host, auto cid) { host.ask(cid, 0, 4, 96); }},
      {"beyond the data", true, [](auto& host, auto cid) { host.ask(cid, 0, 0, 101); }},
      {"R2TL is 0", true, [](auto& host, auto cid) { host.ask(cid, 0, 0, 0); }},
      {"no such command", true, [](auto& host, auto cid) { host.ask(cid + 1, 0, 0, 100); }},
      {"no data to be asked for", false, [](auto& host, auto cid) { host.ask(cid, 0, 0, 100); }},
      {"DATAO", false,
       [](auto& host, auto cid) { host.send(host.data(cid, 4, pattern(96), tcp::kLastPdu)); }},
      {"more data than", false,
       [](auto& host, auto cid) { host.send(host.data(cid, 0, pattern(104), tcp::kLastPdu)); }},
      {"DATAL", false,
       [](auto& host, auto cid) {
         host.send(host.data(cid, 0, pattern(100), tcp::kLastPdu)
                       .template edit<tcp::C2hData>([](tcp::C2hData& header) { header.datal = 96; }));
       }},
      {"not the last", false,
       [](auto& host, auto cid) { host.send(host.data(cid, 0, pattern(100), tcp::kSuccess)); }},
      {"without LAST_PDU", false,
       [](auto& host, auto cid) {
         host.send(host.data(cid, 0, pattern(100), 0));
         host.respond(cid);
       }},
      {"data after the last", false,
       [](auto& host, auto cid) {
         host.send(host.data(cid, 0, pattern(50), tcp::kLastPdu));
         host.send(host.data(cid, 50, pattern(50), tcp::kLastPdu));
       }},
      {"no such command", false,
       [](auto& host, auto cid) {
         host.send(host.data(cid, 0, pattern(100), tcp::kLastPdu | tcp::kSuccess));
         host.respond(cid);
       }},
      {"header digest", true,
       [](auto& host, auto cid) {
         tcp::CapsuleResp pdu{};
         pdu.cqe.cid = cid;
         Draft spoiled = draft(tcp::PduType::capsule_resp, pdu, {}, host.format);
         spoiled.spoil_hdgst = 4;
         host.send(spoiled);
       }},
      {"data digest", false,
       [](auto& host, auto cid) {
         Draft spoiled = host.data(cid, 0, pattern(100), tcp::kLastPdu);
         spoiled.spoil_ddgst = 4;
         host.send(spoiled);
       }},
  };
  for (const Case& c : cases) {
    ScriptedPeer peer([&](PeerConnection& host) {
      host.accept_init();
      c.act(host, host.receive_command().cid);
      Pdu rest;
      while (host.receive(rest)) continue;
    });
    PduLog log;
    RawQueue::Options options = to(peer);
    options.init = {.hdgst = true, .ddgst = true};
    RawQueue queue(options, log);
    Transfer transfer;
    if (c.write)
      transfer.out = pattern(100);
    else
      transfer.in = 100;
    const auto opcode = c.write ? wire::IoOpcode::write : wire::IoOpcode::read;
    EXPECT_THAT(
        [&] {
          queue.execute(sqe(opcode), transfer);
          while (true) queue.receive_one();
        },
        ThrowsMessage<Failure>(HasSubstr(c.message)));
  }
}

TEST(RawQueue, SuccessIsRefusedWithFlowControlAndTooManyR2tsToo) {
  ScriptedPeer peer([](PeerConnection& host) {
    host.accept_init();
    const wire::Sqe command = host.receive_command();
    if (command.opcode == static_cast<std::uint8_t>(wire::IoOpcode::read)) {
      host.send(host.data(command.cid, 0, pattern(100), tcp::kLastPdu | tcp::kSuccess));
    } else {
      host.ask(command.cid, 1, 0, 50);
      host.ask(command.cid, 2, 50, 50);
    }
  });
  PduLog log;
  RawQueue::Options options = to(peer);
  options.sqflow_disabled = false;
  RawQueue reader(options, log);
  EXPECT_THAT([&] { reader.execute(sqe(wire::IoOpcode::read), {.in = 100}); },
              ThrowsMessage<Failure>(HasSubstr("flow control")));
  options.answer_r2ts = false;
  RawQueue writer(options, log);
  EXPECT_THAT([&] { writer.execute(sqe(wire::IoOpcode::write), {.out = pattern(100)}); },
              ThrowsMessage<Failure>(HasSubstr("MAXR2T")));
}

TEST(RawQueue, ATerminationTellsWhy) {
  ScriptedPeer peer([](PeerConnection& host) {
    host.accept_init();
    host.receive_command();
    host.send(host.term(tcp::FatalError::invalid_header_field, 2, pattern(72)));
  });
  PduLog log;
  RawQueue queue(to(peer), log);
  try {
    queue.execute(sqe(wire::IoOpcode::flush));
    FAIL() << "it was terminated";
  } catch (const Terminated& terminated) {
    EXPECT_TRUE(terminated.end.is(tcp::FatalError::invalid_header_field, 2));
    EXPECT_FALSE(terminated.end.is(tcp::FatalError::pdu_sequence_error));
    EXPECT_EQ(terminated.end.repeated, pattern(72));
    EXPECT_THAT(terminated.what(), HasSubstr("Invalid PDU Header Field"));
  }
}

TEST(RawConnection, ReceiveEndTakesWhatComesBefore) {
  ScriptedPeer peer([](PeerConnection& host) {
    host.accept_init();
    host.respond(1);
    host.send(host.term(tcp::FatalError::header_digest_error, 0x12345678, {}));
  });
  PduLog log;
  RawConnection connection("127.0.0.1", peer.port(), log);
  connection.handshake();
  EXPECT_TRUE(connection.receive_end().is(tcp::FatalError::header_digest_error, 0x12345678));
}

TEST(RawConnection, SendsAnyBytesAndPartsOfPdus) {
  Bytes arrived(12 + 10);
  std::optional<ScriptedPeer> peer;
  peer.emplace([&](PeerConnection& host) {
    host.accept_init();
    EXPECT_TRUE(host.socket().receive(arrived));
    Pdu rest;
    EXPECT_FALSE(host.receive(rest));
  });
  PduLog log;
  {
    RawConnection connection("127.0.0.1", peer->port(), log);
    connection.handshake();
    connection.send_bytes(pattern(12));
    connection.send_part(connection.capsule(sqe(wire::IoOpcode::read)), 10);
    connection.socket().shut_down_writing();
    EXPECT_FALSE(connection.receive_or_end().has_value());
  }
  peer.reset();
  EXPECT_EQ(arrived[11], pattern(12)[11]);
  EXPECT_EQ(arrived[12], std::byte{0x04});
  EXPECT_EQ(log.records().size(), 2u);  // ICReq, ICResp
}

TEST(RawConnection, ASilentPeerIsTimedOutAndAMissingOneAFailure) {
  ScriptedPeer peer([](PeerConnection& host) {
    Pdu rest;
    while (host.receive(rest)) continue;
  });
  PduLog log;
  RawConnection connection("127.0.0.1", peer.port(), log, {.timeout = Timeout(20)});
  EXPECT_THROW(connection.handshake(), TimedOut);
  EXPECT_THROW(RawConnection("no address", 1, log), Failure);
}

TEST(RawConnection, TwoSidesThatSendAtOnceDoNotWaitForEver) {
  const Bytes much(std::size_t{32} << 20, std::byte{3});  // more than both sockets' buffers
  ScriptedPeer peer([&](PeerConnection& host) {
    host.accept_init();
    host.socket().send(much);
    Bytes all(much.size());
    EXPECT_TRUE(host.socket().receive(all));
  });
  PduLog log;
  RawConnection connection("127.0.0.1", peer.port(), log);
  connection.handshake();
  connection.send_bytes(much);
  Bytes all(much.size());
  EXPECT_TRUE(connection.socket().receive(all));
  EXPECT_EQ(all, much);
}

}  // namespace
}  // namespace weft::raw_host
