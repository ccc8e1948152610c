// What main() decides about NVMe/TCP, and where the transport tells people what it meets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/loop.h"
#include "fabric/fabric.h"

namespace weft::tcp {

// Told on the connection's loop; must not block.
class Journal {
 public:
  // One line, without the connection's name: "the host sent H2CTermReq: PDU Sequence Error".
  virtual void note(const fabric::Path& path, std::string_view what) = 0;

 protected:
  ~Journal() = default;
};

// Of one connection's input in one turn of the loop.
struct TurnLimits {
  std::uint32_t bytes = 512 * 1024;
  std::uint32_t pdus = 128;
};

struct Options {
  bool header_digest = true;  // granted to hosts that ask for it
  bool data_digest = true;
  std::uint32_t max_h2c_data = 256 * 1024;  // MAXH2CDATA, bytes; made a multiple of 4, at least 4096
  std::uint32_t max_connections = 16384;    // of the transport; more are closed at once
  std::uint32_t max_connections_per_listener = 16384;
  Duration icreq_time = std::chrono::seconds(10);    // from the connection to ICReq
  Duration connect_time = std::chrono::seconds(10);  // from ICResp to a successful Connect
  Duration term_time = std::chrono::seconds(1);      // from our C2HTermReq to the host's close
  TurnLimits turn;
  Journal* journal = nullptr;  // outlives the transport
};

}  // namespace weft::tcp
