#include <netinet/in.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "base/dice.h"
#include "reactor/recv_buffers.h"
#include "reactor/stream_testing.h"

namespace weft::reactor {
namespace {

using net::Chunk;
using net::Stream;
using testing::End;
using testing::loopback;
using testing::on_loop;
using testing::pattern;
using testing::Peer;
using testing::start_reactors;
using testing::StreamTest;
using testing::TestSend;
using testing::Watch;
using CloseMode = Stream::CloseMode;

TEST_F(StreamTest, AbortDropsWhatIsBeingSent) {
  auto [peer, end] = connect(0, 4096);
  TestSend big(pattern(32 << 20)), behind("behind");
  bool done_in_close = false;
  end->here([&] {
    end->stream->send(big);
    end->stream->send(behind);
  });
  EXPECT_EQ(peer->read(1000).size(), 1000u);
  end->here([&] {
    end->stream->close(CloseMode::abort);
    done_in_close = end->closed;
    end->stream->close(CloseMode::abort);  // again, without effect
  });
  EXPECT_FALSE(done_in_close);
  EXPECT_TRUE(end->wait([&] { return end->closed; }));
  for (const TestSend* op : {&big, &behind}) EXPECT_EQ(op->results, std::vector<int>{ECANCELED});
}

TEST_F(StreamTest, AnOperationQueuedAfterCloseIsCancelled) {
  auto [peer, end] = connect();
  TestSend late("late");
  end->here([&] {
    end->stream->close(CloseMode::abort);
    end->stream->send(late);
  });
  EXPECT_TRUE(end->wait([&] { return end->closed; }));
  EXPECT_EQ(late.results, std::vector<int>{ECANCELED});
}

TEST_F(StreamTest, FlushingSendsWhatWaits) {
  auto [peer, end] = connect(0, 4096);
  ASSERT_TRUE(peer->write(pattern(100000)));  // unread bytes must not reset the connection
  TestSend big(pattern(1 << 20));
  end->here([&] {
    end->stream->pause();
    end->stream->send(big);
    end->stream->close(CloseMode::flushing);
  });
  EXPECT_TRUE(peer->read(big.text.size()) == big.text);
  EXPECT_EQ(peer->end(), 0);
  peer->close();
  EXPECT_TRUE(end->wait([&] { return end->closed; }));
  EXPECT_EQ(big.results, std::vector<int>{0});
}

TEST_F(StreamTest, FlushingEndsEvenIfThePeerReadsNothing) {
  auto [peer, end] = connect(0, 4096);
  TestSend big(pattern(32 << 20));
  end->here([&] {
    end->stream->send(big);
    end->stream->close(CloseMode::flushing);
  });
  EXPECT_TRUE(end->wait([&] { return end->closed; }));
  EXPECT_EQ(big.results, std::vector<int>{ECANCELED});
}

TEST_F(StreamTest, FlushingMeetsAReset) {
  auto [peer, end] = connect(0, 4096);
  TestSend big(pattern(32 << 20));
  end->here([&] {
    end->stream->send(big);
    end->stream->close(CloseMode::flushing);
  });
  peer->reset();
  EXPECT_TRUE(end->wait([&] { return end->closed; }));
  ASSERT_EQ(big.results.size(), 1u);
  EXPECT_NE(big.results[0], 0);
}

TEST_F(StreamTest, ClosesInEveryStateOfReceiving) {
  enum Step { just_adopted, receiving, paused, resumed, into_small, into_large, into_partly, peer_gone };
  for (const Step step :
       {just_adopted, receiving, paused, resumed, into_small, into_large, into_partly, peer_gone})
    for (const CloseMode mode : {CloseMode::abort, CloseMode::flushing}) {
      auto [peer, end] = connect();
      std::string place(100000, 0);
      const auto span = std::as_writable_bytes(std::span(place.data(), place.size()));
      if (step != just_adopted) {
        ASSERT_TRUE(peer->write("x"));
        EXPECT_TRUE(end->wait([&] { return end->text == "x"; }));
      }
      if (step == into_partly) {
        ASSERT_TRUE(peer->write(pattern(50000)));
      }
      if (step == peer_gone) peer->close();
      end->here([&] {
        Stream& stream = *end->stream;
        if (step == paused || step == resumed) stream.pause();
        if (step == resumed) stream.resume();
        if (step == into_small) stream.receive_into(span.first(10));
        if (step == into_large || step == into_partly) stream.receive_into(span);
        stream.close(mode);
      });
      peer->close();
      EXPECT_TRUE(end->wait([&] { return end->closed; })) << step;
      EXPECT_EQ(end->intos, 0);
    }
}

TEST_F(StreamTest, ClosesFromEachOfItsHandlers) {
  {
    auto [peer, end] = connect();
    end->here([at = end.get()] { at->received = [at](Chunk) { at->stream->close(CloseMode::abort); }; });
    ASSERT_TRUE(peer->write("enough"));
    EXPECT_TRUE(end->wait([&] { return end->closed; }));
  }
  {
    auto [peer, end] = connect();
    std::string place(3, 0);
    end->here([&, at = end.get()] {
      at->received_into = [at] { at->stream->close(CloseMode::abort); };
      at->stream->receive_into(std::as_writable_bytes(std::span(place.data(), 3)));
    });
    ASSERT_TRUE(peer->write("abcdef"));
    EXPECT_TRUE(end->wait([&] { return end->closed; }));
    EXPECT_EQ(place, "abc");
    EXPECT_TRUE(end->text.empty());
  }
  {
    auto [peer, end] = connect();
    end->here([at = end.get()] { at->close_when_ended = true; });
    peer->close();
    EXPECT_TRUE(end->wait([&] { return end->closed; }));
  }
  {
    auto [peer, end] = connect();
    TestSend behind("behind");
    TestSend first("first", [&, at = end.get()](int) {
      at->stream->send(behind);
      at->stream->close(CloseMode::flushing);
    });
    end->here([&] { end->stream->send(first); });
    EXPECT_EQ(peer->read(11), "firstbehind");
    peer->close();
    EXPECT_TRUE(end->wait([&] { return end->closed; }));
    EXPECT_EQ(behind.results, std::vector<int>{0});
  }
}

TEST_F(StreamTest, AChunkOutlivesItsStream) {
  auto [peer, end] = connect();
  std::vector<Chunk> kept;
  end->here([&, at = end.get()] {
    at->received = [&, at](Chunk chunk) { at->watch().change([&] { kept.push_back(std::move(chunk)); }); };
  });
  ASSERT_TRUE(peer->write("to keep"));
  EXPECT_TRUE(end->wait([&] { return !kept.empty(); }));
  end->close_and_wait();
  end->here([&] {
    EXPECT_EQ(std::memcmp(kept[0].bytes().data(), "to keep", 7), 0);
    kept.clear();
  });
}

// Handlers that hold all buffers stop everybody; giving some back sets everybody going again.
TEST_F(StreamTest, GoesOnWhenBuffersComeBack) {
  auto hog = connect();
  auto other = connect();
  std::vector<Chunk> kept;
  std::size_t hogged = 0;
  hog.end->here([&] {
    hog.end->received = [&](Chunk chunk) {
      hog.end->watch().change([&] {
        hogged += chunk.bytes().size();
        kept.push_back(std::move(chunk));
      });
    };
  });
  const std::size_t total = RecvBuffers::kMostCount * RecvBuffers::kBufferBytes;
  std::thread writer([&] {
    const std::string block = pattern(1 << 20);
    for (std::size_t sent = 0; sent < total + (32 << 20); sent += block.size())
      ASSERT_TRUE(hog.peer->write(block));
  });
  // All are lent out when the count stands at the most there can be.
  EXPECT_TRUE(hog.end->wait([&] { return kept.size() == RecvBuffers::kMostCount; }));
  ASSERT_TRUE(other.peer->write("patience"));
  hog.end->here([&] {
    hog.end->received = nullptr;
    kept.clear();
  });
  EXPECT_TRUE(other.end->wait([&] { return other.end->text == "patience"; }));
  writer.join();
  EXPECT_TRUE(hog.end->wait([&] { return hogged + hog.end->text.size() == total + (32 << 20); }));
  hog.end->close_and_wait();
  other.end->close_and_wait();
}

TEST_F(StreamTest, ManyConnectionsAtOnce) {
  constexpr int kCount = 200;
  std::vector<Connection> all;
  all.reserve(kCount);
  for (int i = 0; i < kCount; ++i) all.push_back(connect());
  std::vector<std::unique_ptr<TestSend>> echoes;
  const auto echo = [&echoes](End& end, const Chunk& chunk) {
    echoes.push_back(std::make_unique<TestSend>(
        std::string(reinterpret_cast<const char*>(chunk.bytes().data()), chunk.bytes().size())));
    end.stream->send(*echoes.back());
  };
  on_loop(loop(), [&] {
    for (auto& connection : all)
      connection.end->received = [&echo, end = connection.end.get()](const Chunk& chunk) {
        echo(*end, chunk);
      };
  });
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < kCount; ++i) ASSERT_TRUE(all[i].peer->write(pattern(1000, i)));
    for (int i = 0; i < kCount; ++i) ASSERT_TRUE(all[i].peer->read(1000) == pattern(1000, i));
  }
  on_loop(loop(), [&] {
    for (auto& connection : all) connection.end->stream->close(CloseMode::abort);
  });
  for (auto& connection : all) EXPECT_TRUE(connection.end->wait([&] { return connection.end->closed; }));
}

class TwoLoops : public StreamTest {
 protected:
  TwoLoops() : StreamTest(2) {}
};

TEST_F(TwoLoops, AConnectionIsTakenIntoAnyOfThem) {
  for (const unsigned on : {0u, 1u}) {
    auto [peer, end] = connect(on);
    ASSERT_TRUE(peer->write("hello"));
    EXPECT_TRUE(end->wait([&] { return end->text == "hello"; }));
    end->close_and_wait();
  }
}

struct Connected final : net::ConnectHandler {
  void on_connected(std::unique_ptr<net::Accepted> to, int result) override {
    watch.change([&] { connection = std::move(to), error = result, told = true; });
  }
  Watch watch;
  std::unique_ptr<net::Accepted> connection;
  int error = 0;
  bool told = false;
};

TEST_F(TwoLoops, ConnectsToItself) {
  Connected client;
  on_loop(loop(1), [&] {
    reactors_->of(loop(1)).connect(listener_->address(), client);
    EXPECT_FALSE(client.told);
  });
  ASSERT_TRUE(client.watch.wait([&] { return client.told; }));
  ASSERT_EQ(client.error, 0);
  auto accepted = accepts_.next();
  EXPECT_EQ(client.connection->peer(), listener_->address());
  EXPECT_EQ(client.connection->local(), accepted->peer());
}

TEST_F(StreamTest, ConnectTellsWhyItFailed) {
  const net::Address gone = on_loop(loop(), [&] {
    testing::Accepts accepts(watch_);
    return reactors_->of(loop()).listen(loopback(), accepts).value()->address();
  });
  Connected client;
  on_loop(loop(), [&] { reactors_->of(loop()).connect(gone, client); });
  ASSERT_TRUE(client.watch.wait([&] { return client.told; }));
  EXPECT_EQ(client.error, ECONNREFUSED);
  EXPECT_EQ(client.connection, nullptr);
}

TEST_F(StreamTest, AListenersErrorsNameItsAddress) {
  const auto second = reactors_->of(loop()).listen(listener_->address(), accepts_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_NE(second.error().message.find(listener_->address().text()), std::string::npos);
  const auto foreign = reactors_->of(loop()).listen(net::Address::parse("192.0.2.77", 0).value(), accepts_);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, EADDRNOTAVAIL);
}

TEST_F(StreamTest, AnAddressIsFreeAsSoonAsItsListenerIsGone) {
  const net::Address address = listener_->address();
  for (int i = 0; i < 50; ++i) {
    on_loop(loop(), [&] { listener_.reset(); });
    EXPECT_EQ(Peer::connect(address), -1);
    auto again = reactors_->of(loop()).listen(address, accepts_);
    ASSERT_TRUE(again) << again.error().message;
    listener_ = std::move(*again);
  }
}

TEST_F(StreamTest, ListensOnIpv6Only) {
  auto listener = reactors_->of(loop()).listen(net::Address::parse("::", 0).value(), accepts_);
  ASSERT_TRUE(listener) << listener.error().message;
  const std::uint16_t port = (*listener)->address().port;
  EXPECT_EQ(Peer::connect(loopback(port)), -1);
  Connected client;
  on_loop(loop(), [&] { reactors_->of(loop()).connect(net::Address::parse("::1", port).value(), client); });
  ASSERT_TRUE(client.watch.wait([&] { return client.told; }));
  EXPECT_EQ(client.error, 0);
  EXPECT_EQ(accepts_.next()->peer().host_text(), "::1");
  on_loop(loop(), [&] { listener->reset(); });
}

TEST_F(StreamTest, AcceptsAgainAfterRunningOutOfDescriptors) {
  // The limit counts from when the kernel begins to accept, so it stands before the listener does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{200, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  auto listener = reactors_->of(loop()).listen(loopback(), accepts_);
  ASSERT_TRUE(listener);
  on_loop(loop(), [] {});
  on_loop(loop(), [] {});  // the turn in which it began is over
  const Peer waiting(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::vector<std::unique_ptr<Peer>> all;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) all.push_back(std::make_unique<Peer>(fd));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons((*listener)->address().port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(waiting.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const auto turns_before = reactors_->stats(loop()).turns;
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  EXPECT_LT(reactors_->stats(loop()).turns - turns_before, 50u) << "it must not spin";
  EXPECT_TRUE(on_loop(loop(), [this] { return accepts_.connections.empty(); }));
  all.clear();
  EXPECT_NE(accepts_.next(), nullptr);
  on_loop(loop(), [&] { listener->reset(); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(Listener, EndsWithItsReactor) {
  Watch watch;
  testing::Accepts accepts(watch);
  auto reactors = start_reactors();
  auto listener = reactors->of(*reactors->all()[0]).listen(loopback(), accepts);
  ASSERT_TRUE(listener);
  on_loop(*reactors->all()[0], [] {});
  reactors->stop();
  listener->reset();
}

TEST(Listener, MayEndBeforeItBegan) {
  Watch watch;
  testing::Accepts accepts(watch);
  auto reactors = start_reactors();
  Loop& loop = *reactors->all()[0];
  on_loop(loop, [&] { EXPECT_TRUE(reactors->of(loop).listen(loopback(), accepts)); });
}

}  // namespace
}  // namespace weft::reactor
