// What a host says of itself and wants of a controller.  The times have the names and the defaults of Linux.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"

namespace weft::host {

struct Identity {
  std::string nqn;
  std::array<std::uint8_t, 16> id{};
};

struct Address {
  std::string traddr;
  std::string trsvcid;
  std::string subnqn;
};

struct Options {
  Identity identity;
  Address address;  // canonical: see fabric::Initiator
  bool header_digest = false;
  bool data_digest = false;
  std::uint16_t io_queues = 1;     // wanted; the controller may grant fewer.  0: the admin queue alone
  std::vector<Loop*> queue_loops;  // of the I/O queues, in turn; empty: where the least is going on
  std::uint32_t queue_entries = 128;
  Duration keep_alive = std::chrono::seconds(5);  // KATO; 0: none
  Duration io_time = std::chrono::seconds(30);    // a command that takes longer ends the connection
  Duration admin_time = std::chrono::seconds(60);
  // A controller that was live and is lost: how long it is tried again (empty: for ever), and the longest
  // pause between two tries.
  std::optional<Duration> controller_loss_time = std::chrono::seconds(600);
  Duration reconnect_delay = std::chrono::seconds(10);
  bool patient = false;  // the same for one that could not be reached at first
};

}  // namespace weft::host
