// However the network cuts the bytes, the same comes of them.
#include "transports/tcp/test_host.h"

namespace weft::tcp {
namespace {

using pdu::PduType;

constexpr std::uint32_t kData = 40'000;  // more than is received directly

// A session: a write in the capsule, one by R2T in two PDUs, and a read.
class TcpCuts : public TcpTest {
 protected:
  static Bytes begin(const Agreement& agreed) {
    Bytes bytes =
        raw_pdu(pdu::make_ic_req({.hpda = agreed.hpda, .hdgst = agreed.hdgst, .ddgst = agreed.ddgst}));
    append(bytes, capsule(1, agreed, pattern(600)));
    append(bytes, capsule(2, agreed, {}, kData));
    return bytes;
  }
  static Bytes finish(const Agreement& agreed, std::uint16_t tag) {
    const Bytes data = pattern(kData, 3);
    Bytes bytes = h2c_data(2, tag, 0, std::span(data).first(10'001), false, agreed);
    append(bytes, capsule(3, agreed, {}, 512));
    append(bytes, h2c_data(2, tag, 10'001, std::span(data).subspan(10'001), true, agreed));
    append(bytes, capsule(4, agreed, pattern(3)));
    return bytes;
  }
  void arm_target() {
    acceptor.on_accept = [](ScriptedQueue& made) {
      made.on_receive = [&made](Scripted& command) {
        const auto& sqe = command.reply.sqe();
        if (made.commands.size() == 1) made.connection.established({});
        if (sqe.cid == 3) return command.answer_data(pattern(512), 7);
        command.then = [&command] { command.answer(); };
        command.start_pull(sqe.dptr.length, 100);
      };
    };
  }
  std::uint16_t take_tag(Far& far, const Agreement& agreed) {
    const auto answers = take(far, agreed);
    std::uint16_t tag = 0;
    for (const Received& each : answers)
      if (each.type == PduType::r2t) tag = each.as<pdu::R2t>().ttag;
    EXPECT_EQ(answers.size(), 3u);  // ICResp, the first completion, R2T
    return tag;
  }
  void leave(Far& far) {
    far.stream->end(0);
    loops.run_until_idle();
    EXPECT_TRUE(far.closed);
  }
};

TEST_F(TcpCuts, ChunksOfEverySmallSize) {
  start();
  arm_target();
  const Agreement agreements[] = {{}, {.hdgst = true, .ddgst = true}, {.ddgst = true, .hpda = 7}};
  for (const Agreement& agreed : agreements) {
    for (const std::size_t size :
         {1u, 2u, 3u, 5u, 7u, 8u, 11u, 64u, 72u, 73u, 76u, 127u, 128u, 129u, 4093u}) {
      SCOPED_TRACE(size);
      auto far = open();
      far->largest_chunk = size;
      send(*far, begin(agreed));
      const std::uint16_t tag = take_tag(*far, agreed);
      send(*far, finish(agreed, tag));
      EXPECT_EQ(take(*far, agreed).size(), 3u);
      ASSERT_EQ(queue().commands.size(), 4u);
      EXPECT_EQ(command(0).memory, pattern(600));
      EXPECT_EQ(command(1).memory, pattern(kData, 3));
      EXPECT_EQ(command(3).memory, pattern(3));
      EXPECT_EQ(far->chunks_out, 0u);
      leave(*far);
    }
  }
}

// Each byte is once the end of what has come so far: the rest comes only when nothing is left to do.
TEST_F(TcpCuts, AtEveryByte) {
  start();
  arm_target();
  const Agreement agreements[] = {{}, {.hdgst = true, .ddgst = true}};
  for (const Agreement& agreed : agreements) {
    const Bytes first = begin(agreed);
    for (std::size_t cut = 1; cut < first.size(); ++cut) {
      SCOPED_TRACE(cut);
      auto far = open();
      send(*far, std::span(first).first(cut));
      send(*far, std::span(first).subspan(cut));
      (void)take_tag(*far, agreed);
      EXPECT_EQ(command(0).memory, pattern(600));
      leave(*far);
    }
    const std::size_t length = finish(agreed, 0).size();
    for (std::size_t cut = 1; cut < length; cut += cut < 200 || (cut > 10'000 && cut < 10'250) ? 1 : 997) {
      SCOPED_TRACE(cut);
      auto far = open();
      send(*far, first);
      const Bytes second = finish(agreed, take_tag(*far, agreed));
      send(*far, std::span(second).first(cut));
      send(*far, std::span(second).subspan(cut));
      EXPECT_EQ(take(*far, agreed).size(), 3u);
      EXPECT_EQ(command(1).memory, pattern(kData, 3));
      leave(*far);
    }
  }
}

// ... and the end of the connection.
TEST_F(TcpCuts, TheEndAtEveryByte) {
  start();
  arm_target();
  const Agreement agreed{.hdgst = true, .ddgst = true};
  const Bytes first = begin(agreed);
  for (std::size_t cut = 0; cut < first.size(); ++cut) {
    auto far = open();
    put(*far, std::span(first).first(cut));
    if (cut % 2 == 0) loops.run_until_idle();
    far->stream->end(cut % 3 == 0 ? ECONNRESET : 0);
    loops.run_until_idle();
    EXPECT_TRUE(far->closed);
    EXPECT_EQ(transport->connections(), 0u);
  }
  const std::size_t length = finish(agreed, 0).size();
  for (std::size_t cut = 0; cut < length; cut += cut < 200 || (cut > 10'000 && cut < 10'250) ? 1 : 997) {
    auto far = open();
    send(*far, first);
    const Bytes second = finish(agreed, take_tag(*far, agreed));
    put(*far, std::span(second).first(cut));
    if (cut % 2 == 0) loops.run_until_idle();
    far->stream->end(0);
    loops.run_until_idle();
    EXPECT_TRUE(far->closed);
    EXPECT_TRUE(queue().gone);
    EXPECT_EQ(far->chunks_out, 0u);
  }
}

TEST_F(TcpCuts, ChunksOfRandomSizes) {
  start();
  arm_target();
  const Agreement agreed{.hdgst = true, .ddgst = true, .hpda = 31};
  for (unsigned run = 0; run < 200; ++run) {
    SCOPED_TRACE(run);
    auto far = open();
    far->random_chunks = true;
    far->largest_chunk = 1u << (run % 16);
    send(*far, begin(agreed));
    send(*far, finish(agreed, take_tag(*far, agreed)));
    EXPECT_EQ(take(*far, agreed).size(), 3u);
    EXPECT_EQ(command(1).memory, pattern(kData, 3));
    leave(*far);
  }
}

}  // namespace
}  // namespace weft::tcp
