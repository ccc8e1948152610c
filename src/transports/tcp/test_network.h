// For the tests of this folder: a network in memory on TestLoops.  The other end of each stream is a Far: it
// says how the bytes are cut into chunks, when sends are done, and when it goes away.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/call.h"
#include "base/check.h"
#include "base/test_loop.h"
#include "net/stream.h"

namespace weft::tcp {

class FakeStream;

// The far end.
struct Far {
  FakeStream* stream = nullptr;  // while the near end exists
  net::Address local;
  net::Address peer;
  std::deque<std::byte> to_near;  // not yet given out
  std::vector<std::byte> to_far;  // what the near end has sent
  std::size_t largest_chunk = 1u << 20;
  bool random_chunks = false;
  bool sends_held = false;  // sends are not done for now
  bool closed = false;      // the near end has closed
  bool accepted_dropped = false;
  unsigned pauses = 0;
  unsigned direct_receives = 0;
  unsigned sends = 0;       // turns in which something was sent
  unsigned chunks_out = 0;  // on loan
};

class FakeStream final : public net::Stream, private net::Chunk::Lender {
 public:
  FakeStream(Loop& loop, std::shared_ptr<Far> far, net::StreamHandler& handler)
      : loop_(loop), far_(std::move(far)), handler_(handler) {
    far_->stream = this;
    pump();
  }
  ~FakeStream() override {
    WEFT_CHECK(closed_, "a stream is destroyed after on_closed");
    far_->stream = nullptr;
  }

  void send(net::SendOp& op) override {
    WEFT_CHECK(!closing_, "nothing is sent after close");
    sends_.push_back(op);
    pump();
  }
  void pause() override {
    WEFT_CHECK(!paused_, "a stream is paused once");
    paused_ = true;
    ++far_->pauses;
  }
  void resume() override {
    paused_ = false;
    pump();
  }
  void receive_into(std::span<std::byte> into) override {
    WEFT_CHECK(into_.empty() && !into.empty(), "one at a time");
    into_ = into;
    ++far_->direct_receives;
    pump();
  }
  void close(CloseMode mode) override {
    WEFT_CHECK(!closing_, "a stream is closed once");
    closing_ = true;
    finish_sends(mode == CloseMode::flushing && !far_->sends_held ? 0 : ECANCELED);
    pump();
  }
  const net::Address& local() const override { return far_->local; }
  const net::Address& peer() const override { return far_->peer; }
  Loop& loop() override { return loop_; }

  // The far end's doing.
  void pump() {
    if (!pump_.is_posted()) loop_.post(pump_);
  }
  void end(int error) {
    post_call(loop_, [far = far_, error] {
      if (far->stream != nullptr && !far->stream->closing_) far->stream->handler_.on_ended(error);
    });
  }

 private:
  void give_back(std::uint32_t token) override {
    lent_[token] = nullptr;
    --far_->chunks_out;
  }

  void finish_sends(int error) {
    while (!sends_.empty()) {
      net::SendOp& op = sends_.front();
      sends_.pop_front();
      if (error == 0) {
        for (const iovec& piece : op.pieces) {
          const auto* bytes = static_cast<const std::byte*>(piece.iov_base);
          far_->to_far.insert(far_->to_far.end(), bytes, bytes + piece.iov_len);
        }
      }
      op.done(op, error);
    }
  }

  void run() {
    if (closing_) {
      closed_ = true;
      far_->closed = true;
      into_ = {};
      handler_.on_closed();  // the end of this object
      return;
    }
    if (!far_->sends_held && !sends_.empty()) {
      ++far_->sends;
      finish_sends(0);
    }
    while (!closing_ && !far_->to_near.empty() && (!into_.empty() || !paused_)) {
      if (!into_.empty()) {
        fill_into();
      } else {
        give_chunk();
      }
    }
  }

  void fill_into() {
    const std::size_t count = std::min(into_.size(), far_->to_near.size());
    std::copy_n(far_->to_near.begin(), count, into_.begin());
    far_->to_near.erase(far_->to_near.begin(), far_->to_near.begin() + static_cast<std::ptrdiff_t>(count));
    into_ = into_.subspan(count);
    if (into_.empty()) handler_.on_received_into();
  }

  void give_chunk() {
    std::size_t count = std::min(far_->largest_chunk, far_->to_near.size());
    if (far_->random_chunks) count = 1 + loop_.dice().below(count);
    auto memory = std::make_unique<std::byte[]>(count);
    std::copy_n(far_->to_near.begin(), count, memory.get());
    far_->to_near.erase(far_->to_near.begin(), far_->to_near.begin() + static_cast<std::ptrdiff_t>(count));
    const std::span<const std::byte> bytes(memory.get(), count);
    lent_.push_back(std::move(memory));
    ++far_->chunks_out;
    handler_.on_received(net::Chunk(bytes, this, static_cast<std::uint32_t>(lent_.size() - 1)));
  }

  Loop& loop_;
  const std::shared_ptr<Far> far_;
  net::StreamHandler& handler_;
  List<net::SendOp> sends_;
  std::vector<std::unique_ptr<std::byte[]>> lent_;
  std::span<std::byte> into_;
  bool paused_ = false;
  bool closing_ = false;
  bool closed_ = false;
  MemberTask<FakeStream, &FakeStream::run> pump_{*this};
};

struct FakeAccepted final : net::Accepted {
  explicit FakeAccepted(std::shared_ptr<Far> end) : far(std::move(end)) {}
  ~FakeAccepted() override {
    if (far->stream == nullptr) far->accepted_dropped = true;
  }
  const net::Address& local() const override { return far->local; }
  const net::Address& peer() const override { return far->peer; }
  const std::shared_ptr<Far> far;
};

class FakeNetworks final : public net::Networks {
 public:
  explicit FakeNetworks(TestLoops& loops) : loops_(loops) {
    for (Loop* loop : loops.all()) networks_.push_back(std::make_unique<OfLoop>(*this, *loop));
  }
  net::Network& of(Loop& loop) override { return *networks_.at(loop.index()); }
  Loops& loops() override { return loops_; }

  // The near end's oldest connect() that was not answered: with a connection, or an errno.
  std::shared_ptr<Far> answer_connect(int error = 0) {
    WEFT_CHECK(!connects_.empty(), "somebody connects");
    const Connect asked = connects_.front();
    connects_.pop_front();
    auto far = std::make_shared<Far>();
    far->local = net::Address::parse("192.0.2.9", 50000).value();
    far->peer = asked.address;
    post_call(*asked.loop, [asked, far, error] {
      asked.handler->on_connected(error == 0 ? std::make_unique<FakeAccepted>(far) : nullptr, error);
    });
    return far;
  }
  std::size_t connects() const { return connects_.size(); }

  // A connection to the listener, from the next turn on.
  std::shared_ptr<Far> connect() {
    WEFT_CHECK(listening_ != nullptr, "there is a listener");
    auto far = std::make_shared<Far>();
    far->local = listening_->address();
    far->peer = net::Address::parse("192.0.2.9", 50000).value();
    post_call(*accepting_, [this, far] {
      if (listening_ != nullptr) listening_->handler.on_accepted(std::make_unique<FakeAccepted>(far));
    });
    return far;
  }

 private:
  struct Listening final : net::Listener {
    Listening(FakeNetworks& networks, net::Address at, net::AcceptHandler& to)
        : owner(networks), where(at), handler(to) {}
    ~Listening() override { owner.listening_ = nullptr; }
    const net::Address& address() const override { return where; }
    FakeNetworks& owner;
    net::Address where;
    net::AcceptHandler& handler;
  };

  struct Connect {
    net::Address address;
    net::ConnectHandler* handler;
    Loop* loop;
  };
  struct OfLoop final : net::Network {
    OfLoop(FakeNetworks& networks, Loop& on) : owner(networks), own_loop(on) {}
    Loop& loop() override { return own_loop; }
    Result<std::unique_ptr<net::Listener>> listen(const net::Address& address,
                                                  net::AcceptHandler& handler) override {
      if (owner.listening_ != nullptr) return fail(EADDRINUSE, "in use");
      net::Address bound = address;
      if (bound.port == 0) bound.port = 4420;
      auto listening = std::make_unique<Listening>(owner, bound, handler);
      owner.listening_ = listening.get();
      owner.accepting_ = &own_loop;
      return listening;
    }
    std::unique_ptr<net::Stream> adopt(std::unique_ptr<net::Accepted> connection,
                                       net::StreamHandler& handler) override {
      WEFT_CHECK(own_loop.is_here(), "adopted on the loop");
      auto& accepted = static_cast<FakeAccepted&>(*connection);
      return std::make_unique<FakeStream>(own_loop, accepted.far, handler);
    }
    void connect(const net::Address& address, net::ConnectHandler& handler) override {
      owner.connects_.push_back({address, &handler, &own_loop});
    }
    FakeNetworks& owner;
    Loop& own_loop;
  };

  TestLoops& loops_;
  std::vector<std::unique_ptr<OfLoop>> networks_;
  Listening* listening_ = nullptr;
  Loop* accepting_ = nullptr;
  std::deque<Connect> connects_;
};

}  // namespace weft::tcp
