// What the host's end of the transport keeps for each loop.
#pragma once

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/slab.h"
#include "net/stream.h"
#include "transports/tcp/counters.h"
#include "transports/tcp/host_request.h"
#include "transports/tcp/options.h"

namespace weft::tcp {

struct HostHome;

// A connect(2) that is under way.  It cannot be taken back, so it outlives a connection that gave up.
struct Attempt final : net::ConnectHandler, ListHook<> {
  Attempt(HostHome& of, HostConnection& by) : home(of), connection(&by) {}
  void on_connected(std::unique_ptr<net::Accepted> accepted, int error) override;  // deletes itself
  HostHome& home;
  HostConnection* connection;  // null: nobody wants it any more
};

// Belongs to its loop, but for the counters.
struct HostHome {
  HostHome(Loop& on, net::Network& by) : loop(on), network(by) {}
  ~HostHome() {
    attempts.clear_and_dispose([](Attempt* left) { delete left; });
  }
  HostHome(const HostHome&) = delete;
  HostHome& operator=(const HostHome&) = delete;

  Loop& loop;
  net::Network& network;
  Counters counters;
  TurnLimits turn;
  Slab<HostRequest> requests;
  List<Attempt> attempts;
};

}  // namespace weft::tcp
