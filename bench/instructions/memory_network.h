// A network in memory for one connection: what the near end sends is gone at the end of the turn, and what it
// receives is given by hand.  As little of its own as can be, for counting what the others cost.
#pragma once

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/stream.h"
#include "wire/tcp_pdu.h"

namespace weft::bench {

class MemoryStream final : public net::Stream, private net::Chunk::Lender {
 public:
  MemoryStream(Loop& loop, net::StreamHandler& handler, MemoryStream*& place)
      : loop_(loop), handler_(handler), place_(place) {
    place_ = this;
  }
  ~MemoryStream() override { place_ = nullptr; }

  // The bytes stay until the loop is idle.
  void give(std::span<const std::byte> bytes) {
    coming_ = bytes;
    wake();
  }

  std::uint64_t succeeded() const { return succeeded_; }  // commands

  void send(net::SendOp& op) override {
    sends_.push_back(op);
    wake();
  }
  void pause() override { paused_ = true; }
  void resume() override {
    paused_ = false;
    wake();
  }
  void receive_into(std::span<std::byte>) override { WEFT_CHECK(false, "commands here carry at most 4 KiB"); }
  void close(CloseMode) override {
    closing_ = true;
    wake();
  }
  const net::Address& local() const override { return address_; }
  const net::Address& peer() const override { return address_; }
  Loop& loop() override { return loop_; }

 private:
  void give_back(std::uint32_t) override {}
  // No more is looked at than says whether a command succeeded.
  void note(const net::SendOp& op) {
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(op.pieces.front().iov_base),
                                           op.pieces.front().iov_len);
    const auto header = wire::load<wire::tcp::CommonHeader>(bytes);
    if (!header) return;
    if (header->type == static_cast<std::uint8_t>(wire::tcp::PduType::c2h_data))
      succeeded_ += (header->flags & wire::tcp::kSuccess) != 0;
    if (header->type == static_cast<std::uint8_t>(wire::tcp::PduType::capsule_resp))
      succeeded_ += wire::load<wire::tcp::CapsuleResp>(bytes)->cqe.decoded_status().ok();
  }
  void wake() {
    if (!run_.is_posted()) loop_.post(run_);
  }
  void run() {
    while (!sends_.empty()) {
      net::SendOp& op = sends_.front();
      sends_.pop_front();
      note(op);
      op.done(op, 0);
    }
    if (closing_) return handler_.on_closed();  // the end of this object
    if (!paused_ && !coming_.empty()) handler_.on_received(net::Chunk(std::exchange(coming_, {}), this, 0));
  }

  Loop& loop_;
  net::StreamHandler& handler_;
  MemoryStream*& place_;
  const net::Address address_ = net::Address::parse("192.0.2.9", 4420).value();
  List<net::SendOp> sends_;
  std::span<const std::byte> coming_;
  std::uint64_t succeeded_ = 0;
  bool paused_ = false;
  bool closing_ = false;
  MemberTask<MemoryStream, &MemoryStream::run> run_{*this};
};

class MemoryNetworks final : public net::Networks, private net::Network {
 public:
  explicit MemoryNetworks(Loops& loops) : loops_(loops) {}
  net::Network& of(Loop&) override { return *this; }
  Loops& loops() override { return loops_; }

  // To the listener; the stream is there once the loop is idle, for as long as the connection.
  void connect() { accepts_->on_accepted(std::make_unique<Taken>()); }
  MemoryStream* stream() const { return stream_; }

 private:
  struct Taken final : net::Accepted {
    const net::Address& local() const override { return address; }
    const net::Address& peer() const override { return address; }
    const net::Address address = net::Address::parse("192.0.2.9", 4420).value();
  };
  struct Listening final : net::Listener {
    explicit Listening(const net::Address& at) : where(at) {}
    const net::Address& address() const override { return where; }
    const net::Address where;
  };

  Loop& loop() override { return *loops_.all().front(); }
  Result<std::unique_ptr<net::Listener>> listen(const net::Address& address,
                                                net::AcceptHandler& handler) override {
    accepts_ = &handler;
    return std::make_unique<Listening>(address);
  }
  std::unique_ptr<net::Stream> adopt(std::unique_ptr<net::Accepted>, net::StreamHandler& handler) override {
    return std::make_unique<MemoryStream>(loop(), handler, stream_);
  }
  void connect(const net::Address&, net::ConnectHandler&) override {
    WEFT_CHECK(false, "nobody connects from here");
  }

  Loops& loops_;
  net::AcceptHandler* accepts_ = nullptr;
  MemoryStream* stream_ = nullptr;
};

}  // namespace weft::bench
