// A scenario: a small text file that says who works, how much, and what goes wrong meanwhile.
//
//   # words behind a hash are for people
//   hosts 2             processes that connect; each its own
//   reactors 2          loops of the target
//   host_loops 1        and of each host
//   queues 2            I/O queues of each host
//   depth 8             commands under way on each
//   commands 300        of each host
//   blocks 64           of the namespace, which all hosts share
//   largest 8           blocks of one command
//   administrators 3    who make and delete tenants; the target then has a configuration, with its store
//   changes 100         of each
//   counters 2          of the blocks: hosts only count them up, by Compare and Write
//   digests random      none, header, both, random
//   transport loop      tcp, loop: hosts live in the target's process, and nothing is between them
//   paths 2             of each host, by as many ports
//   latency 20us 2ms    of the network
//   disk 10us 3ms       of the disk; and
//   disk_errors 200     one of so many of its requests fails; of writes half for want of room
//   cache volatile      none, volatile: what it acknowledges is durable, or is so once flushed
//   fault reset every 20ms
//   fault cut every 80ms for 30ms        the link of a host
//   fault stuck every 60ms for 40ms      the disk
//   fault pause every 60ms for 20ms      a process, or a loop of it
//   fault stall every 60ms for 20ms      a loop of the target
//   fault kill every 1000ms for 500ms    a process, which starts again after that time
//   fault power every 1000ms for 500ms   the target's machine has none
//   fault damage every 50ms              a byte on the way; digests must be both
//   fault detach every 500ms for 50ms    the namespace is removed
//   fault ana every 500ms for 50ms       the port is inaccessible
//   fault grow every 500ms               the namespace, which begins with half of the blocks
//   fault full every 500ms for 50ms      the file system below the store has no room
//   fault unlist every 500ms for 50ms    a host is taken off the list of those that may connect
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "sim/medium.h"
#include "sim/network.h"

namespace weft::sim {

struct Fault {
  enum class Kind : std::uint8_t {
    reset,
    cut,
    stuck,
    pause,
    stall,
    kill,
    power,
    damage,
    detach,
    ana,
    grow,
    unlist,
    full
  };
  Kind kind = Kind::reset;
  Duration every{};
  Duration lasts{};  // at most; 0: it is over at once
};

enum class Digests : std::uint8_t { none, header, both, random };

struct Scenario {
  std::string name;
  unsigned hosts = 1;
  unsigned reactors = 1;
  unsigned host_loops = 1;
  unsigned queues = 1;
  unsigned depth = 8;
  unsigned commands = 300;
  unsigned largest = 8;
  unsigned counters = 0;
  unsigned administrators = 0;
  unsigned changes = 100;
  unsigned paths = 1;
  bool loop_transport = false;
  Digests digests = Digests::none;
  Latency latency;
  DiskOptions disk{.blocks = 64};
  std::vector<Fault> faults;
  bool has(Fault::Kind kind) const;
  bool restarts_target() const;
  bool breaks_connections() const;
};

// The error names the line and the rule.
Result<Scenario> parse_scenario(std::string name, std::string_view text);

}  // namespace weft::sim
