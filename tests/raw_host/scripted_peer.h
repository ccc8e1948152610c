// The controller's end of a connection for this library's own tests: a thread for each connection that plays
// a script on blocking sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "raw_host/pdu.h"
#include "raw_host/socket.h"

namespace weft::raw_host {

// One connection, as the controller sees it.
class PeerConnection {
 public:
  explicit PeerConnection(Socket socket) : socket_(std::move(socket)) {}

  Format format;              // of both directions, beside the alignment of what comes
  std::uint8_t host_pda = 0;  // of what is sent

  // The next PDU, checked by the parser that the target uses.  False at the end.
  bool receive(Pdu& pdu);
  void accept_init(std::uint32_t maxh2cdata = 4096);  // ICReq and ICResp
  wire::Sqe receive_command(Bytes* data = nullptr);

  void send(const Draft& pdu) { socket_.send(pdu.bytes()); }
  void respond(std::uint16_t cid, std::uint64_t result = 0, wire::Status status = {});
  void ask(std::uint16_t cid, std::uint16_t ttag, std::uint32_t offset, std::uint32_t length);
  Draft data(std::uint16_t cid, std::uint32_t offset, std::span<const std::byte> bytes,
             std::uint8_t flags) const;
  Draft term(wire::tcp::FatalError fes, std::uint32_t fei, std::span<const std::byte> repeated) const;
  Socket& socket() { return socket_; }

 private:
  Format sending() const { return {.hdgst = format.hdgst, .ddgst = format.ddgst, .pda = host_pda}; }
  Socket socket_;
};

// Listens on a port of 127.0.0.1; each connection gets the script on a thread of its own.  A script ends at
// the latest when its host goes; what it throws is a failure of the test.
class ScriptedPeer {
 public:
  using Script = std::function<void(PeerConnection&)>;
  explicit ScriptedPeer(Script script);
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  void run();

  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace weft::raw_host
