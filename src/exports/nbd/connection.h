// One NBD connection.  All of it belongs to the loop of its stream.
//
//   connection.cc    life, and what comes in
//   negotiation.cc   options until the transmission begins
//   transmission.cc  requests and their answers
//
// A client may have so many requests under way, and so much data in them; beyond it the connection is not
// read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/page_memory.h"
#include "block/backend.h"
#include "exports/nbd/protocol.h"
#include "net/stream.h"

namespace weft::nbd {

class Connection;

// Of the whole server.  Any thread.
struct Shared {
  Loops& loops;
  const std::shared_ptr<block::Backend> backend;
  std::atomic<std::uint32_t> connections{0};
};

// Belongs to its loop.
struct Home {
  Home(Loop& on, net::Network& by, Shared& of) : loop(on), network(by), shared(of) {}
  Loop& loop;
  net::Network& network;
  Shared& shared;
  List<Connection> connections;
};

class Connection final : public net::StreamHandler, public ListHook<> {
 public:
  // Destroys itself, and releases the loop, when it has ended and the backend has answered everything.
  static void start(Home& home, std::unique_ptr<net::Accepted> accepted);
  void close();

  void on_received(net::Chunk chunk) override;
  void on_received_into() override;
  void on_ended(int error) override;
  void on_closed() override;

 private:
  enum class Phase : std::uint8_t { client_flags, option, option_data, request, payload, dropping };
  // Bytes that go out by themselves: negotiation.
  struct Message : net::SendOp {
    std::vector<std::byte> bytes;
    iovec piece{};
  };
  struct Work : block::Request, net::SendOp {
    Connection* connection = nullptr;
    std::uint64_t cookie = 0;
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
    Type type = Type::read;
    PageMemory memory;
    iovec piece{};
    union {
      SimpleReply simple;
      OffsetData data_chunk;
      ErrorChunk error_chunk;
    };
    iovec reply[2];
  };

  explicit Connection(Home& home);
  ~Connection();

  // connection.cc
  void parse();
  bool step();
  bool gather(std::size_t count);
  void take(std::size_t count);
  void shut(net::Stream::CloseMode mode);
  bool has_room() const;
  void set_paused(bool wanted);
  void destroy_if_over();
  void destroy();

  // negotiation.cc
  void greet();
  void take_client_flags();
  void take_option();
  void act_on_option();
  void answer_info(Option option);
  void answer_export_name();
  void reply(Option option, OptionReply type, std::span<const std::byte> data = {});
  void send(std::vector<std::byte> bytes);
  std::uint16_t transmission_flags() const;
  std::uint64_t export_bytes() const;

  // transmission.cc
  void take_request();
  std::uint32_t check(const Request& request) const;
  void begin(std::unique_ptr<Work> work);
  static void on_block_done(block::Request& request) noexcept;
  void answer(std::unique_ptr<Work> work, std::uint32_t error);
  static void on_sent(net::SendOp& op, int error) noexcept;

  Home& home_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<block::Channel> channel_;
  Phase phase_ = Phase::client_flags;
  bool closing_ = false;
  bool closed_ = false;
  bool paused_ = false;
  bool parsing_ = false;
  bool no_zeroes_ = false;
  bool structured_ = false;
  std::vector<net::Chunk> input_;
  std::vector<std::byte> gathered_;
  OptionHead option_{};
  std::uint64_t drop_ = 0;           // bytes of a payload that nobody wants
  std::unique_ptr<Work> receiving_;  // a write whose data comes
  std::unique_ptr<Work> refused_;    // whose data is dropped before it is answered
  std::uint32_t refusal_ = 0;
  std::uint32_t works_ = 0;       // not yet gone
  std::uint64_t held_bytes_ = 0;  // in them
  MemberTask<Connection, &Connection::destroy> destroy_{*this};
  MemberTask<Connection, &Connection::parse> parse_{*this};
};

}  // namespace weft::nbd
