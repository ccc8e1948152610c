#include <poll.h>

#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "base/dice.h"
#include "reactor/stream_testing.h"

namespace weft::reactor {
namespace {

using net::Chunk;
using net::Stream;
using testing::End;
using testing::pattern;
using testing::StreamTest;
using testing::TestSend;
using CloseMode = Stream::CloseMode;

void append(std::string& text, const Chunk& chunk) {
  text.append(reinterpret_cast<const char*>(chunk.bytes().data()), chunk.bytes().size());
}

std::span<std::byte> bytes_of(std::string& text) {
  return std::as_writable_bytes(std::span(text.data(), text.size()));
}

TEST_F(StreamTest, BytesGoBothWays) {
  auto [peer, end] = connect();
  EXPECT_EQ(end->stream->local(), listener_->address());
  EXPECT_TRUE(end->stream->peer().is_loopback());
  EXPECT_EQ(&end->stream->loop(), &loop());
  ASSERT_TRUE(peer->write("hello"));
  EXPECT_TRUE(end->wait([&] { return end->text == "hello"; }));
  TestSend first("one "), empty(""), second("two");
  end->here([&] {
    end->stream->send(first);
    end->stream->send(empty);
    end->stream->send(second);
    EXPECT_TRUE(first.results.empty());
  });
  EXPECT_EQ(peer->read(7), "one two");
  end->close_and_wait();
  EXPECT_EQ(peer->end(), 0);
  for (const TestSend* op : {&first, &empty, &second}) EXPECT_EQ(op->results, std::vector<int>{0});
  EXPECT_TRUE(end->ended.empty()) << "no end is told after close()";
}

TEST_F(StreamTest, ManyPiecesAndOperationsLeaveInOrder) {
  auto [peer, end] = connect(0, 4096);
  std::string expected;
  std::vector<std::unique_ptr<TestSend>> ops;
  std::vector<std::vector<iovec>> lists(3000);
  Dice dice(3);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    ops.push_back(std::make_unique<TestSend>(pattern(dice.below(3000), i)));
    TestSend& op = *ops.back();
    expected += op.text;
    const std::size_t cut = dice.below(op.text.size() + 1);
    lists[i] = {{op.text.data(), cut}, {op.text.data() + cut, op.text.size() - cut}};
    op.pieces = lists[i];
  }
  end->here([&] {
    for (auto& op : ops) end->stream->send(*op);
  });
  EXPECT_TRUE(peer->read(expected.size()) == expected);
  end->close_and_wait();
  for (auto& op : ops) ASSERT_EQ(op->results, std::vector<int>{0});
}

// Takes a stream in every way there is: as chunks, some of which it keeps while paused, and into places of
// all sizes.
class Juggler {
 public:
  static constexpr std::size_t kTotal = 8 << 20;

  Juggler(End& end, std::uint64_t seed) : end_(end), dice_(seed) {
    end_.received = [this](Chunk chunk) { on_chunk(std::move(chunk)); };
    end_.received_into = [this] { on_place(); };
  }
  ~Juggler() { end_.loop().cancel(resume_); }

  std::string got;
  bool complete = false;

 private:
  void on_chunk(Chunk chunk) {
    EXPECT_FALSE(inside_call_) << "no handler runs inside a call";
    EXPECT_FALSE(paused_) << "no chunk while paused";
    EXPECT_FALSE(waiting_) << "no chunk while a place waits";
    EXPECT_FALSE(chunk.empty());
    if (dice_.one_in(4)) {
      kept_ = std::move(chunk);
      return pause();
    }
    append(got, chunk);
    go_on();
  }
  void on_place() {
    EXPECT_FALSE(inside_call_);
    EXPECT_TRUE(waiting_);
    waiting_ = false;
    got += place_;
    go_on();
  }
  void on_resume() {
    if (complete) return;  // the last place was filled meanwhile, and the test's thread looks at it
    paused_ = false;
    append(got, kept_);
    kept_ = Chunk();
    inside_call_ = true;
    end_.stream->resume();
    inside_call_ = false;
    if (!waiting_) go_on();
  }
  void pause() {
    paused_ = true;
    end_.stream->pause();
    end_.loop().arm(resume_, std::chrono::microseconds(dice_.below(2000)));
  }
  void go_on() {
    if (got.size() == kTotal) return end_.watch().change([this] { complete = true; });
    inside_call_ = true;
    if (dice_.one_in(3)) {
      constexpr std::size_t kSizes[] = {1, 24, 4096, 16383, 16384, 100000};
      place_.assign(std::min(kSizes[dice_.below(6)] + dice_.below(7), kTotal - got.size()), 0);
      waiting_ = true;
      end_.stream->receive_into(bytes_of(place_));
    }
    if (!paused_ && dice_.one_in(8)) pause();
    inside_call_ = false;
  }

  End& end_;
  Dice dice_;
  Chunk kept_;
  std::string place_;
  bool waiting_ = false;
  bool paused_ = false;
  bool inside_call_ = false;
  MemberTimer<Juggler, &Juggler::on_resume> resume_{*this};
};

TEST_F(StreamTest, LargeTransfersKeepTheirOrderHoweverTheyAreTaken) {
  for (const int buffer_bytes : {0, 4096, 65536}) {
    auto [peer, end] = connect(0, buffer_bytes);
    const std::string sent = pattern(Juggler::kTotal, 5);
    TestSend back(pattern(4 << 20, 6));
    std::unique_ptr<Juggler> juggler;
    end->here([&, at = end.get()] {
      juggler = std::make_unique<Juggler>(*at, static_cast<std::uint64_t>(buffer_bytes) + 1);
      at->stream->send(back);
    });
    std::string received;
    std::thread reader([&from = *peer, &received, &back] { received = from.read(back.text.size()); });
    Dice dice(9);
    for (std::size_t at = 0; at < sent.size();) {
      const std::size_t count =
          std::min<std::size_t>(1 + dice.below(std::uint64_t{1} << dice.below(18)), sent.size() - at);
      ASSERT_TRUE(peer->write(sent.substr(at, count)));
      at += count;
    }
    reader.join();
    EXPECT_TRUE(received == back.text);
    EXPECT_TRUE(end->wait([&] { return juggler->complete; }));
    EXPECT_TRUE(juggler->got == sent);
    end->close_and_wait();
    end->here([&] { juggler.reset(); });
  }
}

TEST_F(StreamTest, ReceiveIntoComesAfterThisCall) {
  auto [peer, end] = connect();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{10}, std::size_t{300000}}) {
    const std::string sent = pattern(bytes, bytes);
    std::string place(bytes, 0);
    const int before = end->here([at = end.get()] { return at->intos; });
    end->here([&] {
      end->stream->receive_into(bytes_of(place));
      EXPECT_EQ(end->intos, before);
    });
    ASSERT_TRUE(peer->write(sent));
    EXPECT_TRUE(end->wait([&] { return end->intos == before + 1; }));
    EXPECT_TRUE(place == sent);
  }
  end->close_and_wait();
}

TEST_F(StreamTest, WhatArrivedBeforeAPauseComesAfterIt) {
  auto [peer, end] = connect();
  end->here([&] { end->stream->pause(); });
  ASSERT_TRUE(peer->write("first"));
  // A second connection shows that the loop has had its turns; the paused one got nothing.
  auto [other_peer, other] = connect();
  ASSERT_TRUE(other_peer->write("x"));
  EXPECT_TRUE(other->wait([&] { return other->text == "x"; }));
  EXPECT_TRUE(end->here([&] { return end->text.empty(); }));
  std::string place(3, 0);
  end->here([&] { end->stream->receive_into(bytes_of(place)); });  // goes on while paused
  EXPECT_TRUE(end->wait([&] { return end->intos == 1; }));
  EXPECT_EQ(place, "fir");
  EXPECT_TRUE(end->here([&] { return end->text.empty(); }));
  end->here([&] { end->stream->resume(); });
  EXPECT_TRUE(end->wait([&] { return end->text == "st"; }));
  end->close_and_wait();
  other->close_and_wait();
}

// Bounded by the kernel's buffers: the peer cannot go on sending to a stream that is paused.
TEST_F(StreamTest, APausedStreamTakesNoMore) {
  auto [peer, end] = connect();
  end->here([&] { end->stream->pause(); });
  const std::string block = pattern(1 << 16);
  std::size_t sent = 0;
  constexpr std::size_t kFar = 256 << 20;
  while (sent < kFar) {
    const ssize_t count = ::send(peer->fd(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) {
      pollfd poll{peer->fd(), POLLOUT, 0};
      if (::poll(&poll, 1, 200) == 0) break;
    } else {
      sent += static_cast<std::size_t>(count);
    }
  }
  EXPECT_LT(sent, kFar);
  end->here([&] { end->stream->resume(); });
  EXPECT_TRUE(end->wait([&] { return end->text.size() == sent; }));
  end->close_and_wait();
}

TEST_F(StreamTest, AnOrderlyEndComesBehindTheBytes) {
  auto [peer, end] = connect();
  ASSERT_TRUE(peer->write("last words"));
  peer->close();
  EXPECT_TRUE(end->wait([&] { return end->ended.size() == 1; }));
  EXPECT_EQ(end->text, "last words");
  EXPECT_EQ(end->ended, std::vector<int>{0});
  end->close_and_wait();
  EXPECT_EQ(end->ended.size(), 1u);
}

TEST_F(StreamTest, AHalfOpenPeerStillGetsItsAnswer) {
  auto [peer, end] = connect();
  peer->shut_write();
  EXPECT_TRUE(end->wait([&] { return end->ended == std::vector<int>{0}; }));
  TestSend answer(pattern(1 << 20));
  end->here([&] { end->stream->send(answer); });
  end->close(CloseMode::flushing);
  EXPECT_TRUE(peer->read(answer.text.size()) == answer.text);
  EXPECT_TRUE(end->wait([&] { return end->closed; }));
  EXPECT_EQ(answer.results, std::vector<int>{0});
}

TEST_F(StreamTest, APausedStreamNoticesTheEndOfItsPeer) {
  for (const bool reset : {false, true}) {
    auto [peer, end] = connect();
    end->here([&] { end->stream->pause(); });
    if (reset)
      peer->reset();
    else
      peer->close();
    EXPECT_TRUE(end->wait([&] { return end->ended.size() == 1; }));
    EXPECT_EQ(end->ended, std::vector<int>{reset ? ECONNRESET : 0});
    end->close_and_wait();
  }
}

TEST_F(StreamTest, AResetIsAnError) {
  auto [peer, end] = connect();
  peer->reset();
  EXPECT_TRUE(end->wait([&] { return end->ended == std::vector<int>{ECONNRESET}; }));
  TestSend late("too late");
  end->here([&] { end->stream->send(late); });
  end->close_and_wait();
  ASSERT_EQ(late.results.size(), 1u);
  EXPECT_NE(late.results[0], 0);
}

TEST_F(StreamTest, AResetFailsWhatIsBeingSent) {
  auto [peer, end] = connect(0, 4096);
  TestSend big(pattern(32 << 20)), behind("behind");
  end->here([&] {
    end->stream->send(big);
    end->stream->send(behind);
  });
  EXPECT_EQ(peer->read(1000).size(), 1000u);
  peer->reset();
  EXPECT_TRUE(end->wait([&] { return end->ended.size() == 1; }));
  EXPECT_NE(end->ended[0], 0);
  end->close_and_wait();
  for (const TestSend* op : {&big, &behind}) {
    ASSERT_EQ(op->results.size(), 1u);
    EXPECT_NE(op->results[0], 0);
  }
  EXPECT_EQ(end->ended.size(), 1u);
}

}  // namespace
}  // namespace weft::reactor
