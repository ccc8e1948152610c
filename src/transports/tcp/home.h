// What the transport keeps for each loop, and what its parts share.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/slab.h"
#include "fabric/fabric.h"
#include "net/stream.h"
#include "transports/tcp/command.h"
#include "transports/tcp/connection.h"
#include "transports/tcp/counters.h"
#include "transports/tcp/options.h"

namespace weft::tcp {

// Of the whole transport.  Any thread.
struct Shared {
  Loops& loops;
  const Options options;
  std::atomic<std::uint32_t> connections{0};
};

// Where connections come from: a listener.  Any thread; lives until the listener and its connections ended.
struct Origin {
  explicit Origin(fabric::Acceptor& where) : acceptor(where) {}
  fabric::Acceptor& acceptor;  // only while not closed, or once it has accepted
  std::atomic<bool> closed{false};
  std::atomic<std::uint32_t> connections{0};
};

// Belongs to its loop, but for the counters.
struct Home {
  Home(Loop& on, net::Network& by, Shared& of) : loop(on), network(by), shared(of) {}

  Loop& loop;
  net::Network& network;
  Shared& shared;
  Counters counters;
  Slab<TcpCommand> commands;
  List<Connection> connections;
};

}  // namespace weft::tcp
