// For the tests of this folder: a host that builds PDUs by hand and reads what comes back, and the target's
// side as a script.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "transports/tcp/digest.h"
#include "transports/tcp/test_network.h"
#include "transports/tcp/transport.h"
#include "wire/tcp_pdu.h"

namespace weft::tcp {

using Bytes = std::vector<std::byte>;
namespace pdu = wire::tcp;

inline Bytes pattern(std::size_t count, unsigned seed = 7) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>((i * 31 + i / 251 + seed) & 0xFF);
  return bytes;
}

// A command of the script: it keeps the reply and, when asked, the data.
struct Scripted {
  fabric::Reply reply;
  struct Pulling : fabric::Pull {
    Scripted* owner = nullptr;
  } pull;
  struct Sending : fabric::DataOut {
    Scripted* owner = nullptr;
  } out;
  Bytes memory;
  std::vector<iovec> pieces;
  bool done = false;
  bool released = false;
  fabric::Pull::Outcome outcome = fabric::Pull::Outcome::lost;
  std::function<void()> then;  // after the pull

  void split(std::size_t count, std::size_t first) {
    pieces.clear();
    if (first != 0 && first < count) pieces.push_back({memory.data(), first});
    const std::size_t start = pieces.empty() ? 0 : first;
    pieces.push_back({memory.data() + start, count - start});
  }
  void start_pull(std::size_t count, std::size_t first_piece = 0) {
    memory.assign(count, std::byte{0});
    split(count, first_piece);
    pull.owner = this;
    pull.into = pieces;
    pull.done = [](fabric::Pull& ended, fabric::Pull::Outcome how) noexcept {
      Scripted& self = *static_cast<Pulling&>(ended).owner;
      EXPECT_FALSE(self.done);
      self.done = true;
      self.outcome = how;
      if (self.then) self.then();
    };
    reply.pull(pull);
    EXPECT_FALSE(done) << "done inside pull()";
  }
  wire::Cqe cqe(wire::Status status = {}, std::uint64_t result = 0) const {
    wire::Cqe entry{};
    entry.result = result;
    entry.cid = reply.sqe().cid;
    entry.status = status.encode();
    return entry;
  }
  void answer(wire::Status status = {}, std::uint64_t result = 0) { reply.complete(cqe(status, result)); }
  void answer_data(Bytes data, std::size_t first_piece = 0, std::uint64_t result = 0,
                   wire::Status status = {}) {
    memory = std::move(data);
    split(memory.size(), first_piece);
    out.owner = this;
    out.from = pieces;
    out.released = [](fabric::DataOut& ended) noexcept {
      Scripted& self = *static_cast<Sending&>(ended).owner;
      EXPECT_FALSE(self.released);
      self.released = true;
      self.memory = Bytes();  // a late reader meets the address sanitizer
    };
    reply.complete(cqe(status, result), out);
    EXPECT_FALSE(released) << "released inside complete()";
  }
};

class ScriptedQueue final : public fabric::Queue {
 public:
  explicit ScriptedQueue(fabric::Connection& to) : connection(to) {}
  ~ScriptedQueue() { EXPECT_TRUE(gone); }

  void receive(fabric::Reply reply) override {
    EXPECT_FALSE(gone);
    commands.push_back(std::make_unique<Scripted>());
    commands.back()->reply = std::move(reply);
    if (on_receive) on_receive(*commands.back());
  }
  void disconnected() override {
    EXPECT_FALSE(gone);
    gone = true;
    for (auto& command : commands) {
      EXPECT_TRUE(command->pull.owner == nullptr || command->done) << "a pull outlives the connection";
      EXPECT_TRUE(command->out.owner == nullptr || command->released) << "a data-out outlives the connection";
    }
    if (on_gone) on_gone();
    for (auto& command : commands)
      if (command->reply.pending()) command->reply.abandon();
    connection.retire();
  }

  fabric::Connection& connection;
  std::vector<std::unique_ptr<Scripted>> commands;
  std::function<void(Scripted&)> on_receive;
  std::function<void()> on_gone;
  bool gone = false;
};

struct ScriptedAcceptor final : fabric::Acceptor {
  fabric::Queue& accept(fabric::Connection& connection) override {
    queues.push_back(std::make_unique<ScriptedQueue>(connection));
    if (on_accept) on_accept(*queues.back());
    return *queues.back();
  }
  std::vector<std::unique_ptr<ScriptedQueue>> queues;
  std::function<void(ScriptedQueue&)> on_accept;
};

struct Notes final : Journal {
  void note(const fabric::Path&, std::string_view what) override { lines.emplace_back(what); }
  std::vector<std::string> lines;
};

// The front of the bytes as one of the wire's structs.
template <class T>
T read_as(std::span<const std::byte> bytes) {
  const auto value = wire::load<T>(bytes);
  if (value) return *value;
  ADD_FAILURE() << bytes.size() << " bytes are too few";
  return {};
}

// A PDU from the target, taken apart.
struct Received {
  pdu::PduType type{};
  Bytes header;
  Bytes data;
  pdu::CommonHeader ch{};
  template <class Pdu>
  Pdu as() const {
    return read_as<Pdu>(header);
  }
};

struct Agreement {
  bool hdgst = false;
  bool ddgst = false;
  std::uint8_t hpda = 0;
};

inline Bytes raw(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

template <class Pdu>
Bytes raw_pdu(const Pdu& value) {
  return raw(wire::bytes_of(value));
}

inline void append(Bytes& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

inline void append_digest(Bytes& to, std::uint32_t value) {
  const wire::le32 out = value;
  append(to, wire::bytes_of(out));
}

// Header, header digest, padding, data, data digest.
template <class Pdu>
Bytes framed(Pdu value, const Agreement& agreed, std::span<const std::byte> data, std::uint8_t flags = 0) {
  value.ch = pdu::make_header(static_cast<pdu::PduType>(value.ch.type), flags, agreed.hdgst, agreed.ddgst, 0,
                              static_cast<std::uint32_t>(data.size()));
  Bytes bytes = raw_pdu(value);
  if (agreed.hdgst) append_digest(bytes, Digest::of(bytes));
  if (data.empty()) return bytes;
  bytes.resize(value.ch.pdo);
  append(bytes, data);
  if (agreed.ddgst) append_digest(bytes, Digest::of(data));
  return bytes;
}

inline Bytes capsule(std::uint16_t cid, const Agreement& agreed, std::span<const std::byte> data = {},
                     std::uint32_t transport_bytes = 0) {
  pdu::CapsuleCmd value{};
  value.ch.type = static_cast<std::uint8_t>(pdu::PduType::capsule_cmd);
  value.sqe.opcode = 1;
  value.sqe.cid = cid;
  if (!data.empty()) {
    wire::set_in_capsule(value.sqe, static_cast<std::uint32_t>(data.size()));
  } else {
    wire::set_transport(value.sqe, transport_bytes);
  }
  return framed(value, agreed, data);
}

inline pdu::H2cData h2c_header(std::uint16_t cid, std::uint16_t tag, std::uint32_t offset,
                               std::uint32_t bytes) {
  pdu::H2cData value{};
  value.ch.type = static_cast<std::uint8_t>(pdu::PduType::h2c_data);
  value.cccid = cid;
  value.ttag = tag;
  value.datao = offset;
  value.datal = bytes;
  return value;
}

inline Bytes h2c_data(std::uint16_t cid, std::uint16_t tag, std::uint32_t offset,
                      std::span<const std::byte> data, bool last, const Agreement& agreed) {
  return framed(h2c_header(cid, tag, offset, static_cast<std::uint32_t>(data.size())), agreed, data,
                last ? pdu::kLastPdu : 0);
}

// All PDUs that came since the last take, with their digests checked.
inline std::vector<Received> take_pdus(Far& far, const pdu::Negotiated& agreed, pdu::Direction direction) {
  std::vector<Received> all;
  std::span<const std::byte> bytes = far.to_far;
  while (!bytes.empty()) {
    Received one;
    one.ch = read_as<pdu::CommonHeader>(bytes);
    one.type = static_cast<pdu::PduType>(one.ch.type);
    const auto shape = pdu::check_header(one.ch, agreed, direction);
    EXPECT_TRUE(shape.has_value());
    if (!shape || bytes.size() < shape->size) {
      ADD_FAILURE() << "a damaged PDU of " << bytes.size() << " bytes, type " << int{one.ch.type};
      break;
    }
    one.header = raw(bytes.first(shape->header_size));
    if (shape->hdgst_size != 0) {
      EXPECT_EQ(read_as<wire::le32>(bytes.subspan(shape->header_size)), Digest::of(one.header));
    }
    if (shape->data_size != 0) one.data = raw(bytes.subspan(shape->data_offset, shape->data_size));
    if (shape->ddgst_size != 0) {
      EXPECT_EQ(read_as<wire::le32>(bytes.subspan(shape->size - 4)), Digest::of(one.data));
    }
    all.push_back(std::move(one));
    bytes = bytes.subspan(shape->size);
  }
  far.to_far.clear();
  return all;
}
inline std::vector<Received> take_pdus(Far& far, const Agreement& agreed) {
  return take_pdus(far, {.hdgst = agreed.hdgst, .ddgst = agreed.ddgst, .pda = agreed.hpda},
                   pdu::Direction::controller_to_host);
}

// One transport with a listener on so many loops, and hosts.
class TcpTest : public ::testing::Test {
 protected:
  explicit TcpTest(unsigned count = 1) : loops(count), networks(loops) { options.journal = &notes; }
  ~TcpTest() override { stop(); }

  void start() {
    transport = std::make_unique<TcpTransport>(networks, options);
    listener = transport->listen({.traddr = "127.0.0.1", .trsvcid = "0"}, acceptor).value();
  }
  void stop() {
    if (transport == nullptr) return;
    listener.reset();
    transport->shut_down();
    loops.run_until_idle();
    EXPECT_EQ(transport->connections(), 0u);
    transport.reset();
  }

  std::shared_ptr<Far> open() {
    auto far = networks.connect();
    loops.run_until_idle();
    return far;
  }
  void put(Far& far, std::span<const std::byte> bytes) {
    far.to_near.insert(far.to_near.end(), bytes.begin(), bytes.end());
    if (far.stream != nullptr) far.stream->pump();
  }
  void send(Far& far, std::span<const std::byte> bytes) {
    put(far, bytes);
    loops.run_until_idle();
  }
  // Connected, and as the queue's limits allow.
  std::shared_ptr<Far> open_queue(const Agreement& agreed = {}, const fabric::QueueLimits& limits = {}) {
    if (transport == nullptr) start();
    auto far = open();
    send(*far,
         raw_pdu(pdu::make_ic_req({.hpda = agreed.hpda, .hdgst = agreed.hdgst, .ddgst = agreed.ddgst})));
    const auto answers = take(*far, {});
    EXPECT_EQ(answers.size(), 1u);
    queue().connection.established(limits);
    return far;
  }
  ScriptedQueue& queue() { return *acceptor.queues.back(); }
  Scripted& command(std::size_t index) { return *queue().commands.at(index); }

  std::vector<Received> take(Far& far, const Agreement& agreed) { return take_pdus(far, agreed); }

  // The target has said why, and closes after its time.
  void expect_fatal(Far& far, pdu::FatalError fes, std::uint32_t fei) {
    const auto answers = take(far, {});
    ASSERT_FALSE(answers.empty());
    const Received& last = answers.back();
    ASSERT_EQ(last.type, pdu::PduType::c2h_term_req);
    EXPECT_EQ(last.as<pdu::TermReq>().fes, static_cast<std::uint16_t>(fes));
    EXPECT_EQ(last.as<pdu::TermReq>().fei, fei);
    EXPECT_LE(last.data.size(), pdu::kTermReqMaxData);
    EXPECT_FALSE(far.closed);
    loops.advance(std::chrono::seconds(1));
    EXPECT_TRUE(far.closed);
    EXPECT_EQ(transport->connections(), 0u);
  }

  TestLoops loops;
  FakeNetworks networks;
  Notes notes;
  Options options;
  ScriptedAcceptor acceptor;
  std::unique_ptr<TcpTransport> transport;
  std::unique_ptr<fabric::Listener> listener;
};

}  // namespace weft::tcp
