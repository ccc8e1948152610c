// From the words of a command line to the document that a target makes true.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/export_spec.h"
#include "cli/reserved_port.h"
#include "config/document.h"
#include "daemon/reactor_options.h"
#include "net/address.h"

namespace weft::cli {

// What serve and run are told.
struct TargetOptions {
  std::vector<std::string> exports;
  std::vector<std::string> listen;  // ADDR:PORT; never empty
  std::vector<std::string> advertise;
  std::vector<std::string> hosts;  // NQNs; empty: any host, on loopback addresses
  std::string nqn;                 // empty: made from the machine, the exports and the addresses
  std::string state_dir;
  std::string log_level = "warning";
  daemon::ReactorOptions reactors;
};

enum class Ports {
  live,      // port 0 becomes a number; 8009 is used where it is free
  written,   // for a document: port 0 is refused, 8009 is always asked for
  only_own,  // as live, without 8009
};

// Where hosts find the subsystem or the discovery service.
struct Place {
  net::Address listener;
  std::string traddr;  // what hosts type: the advertised address, or one that reaches the listener
  std::string trsvcid;
};

struct Plan {
  std::string nqn;
  std::vector<Export> exports;  // namespaces 1, 2, ...
  std::vector<Place> places;
  std::vector<Place> discovery;    // listeners on 8009
  std::vector<std::string> notes;  // for people: what is not as they may expect
  config::Document document;
  std::vector<ReservedPort> reserved;  // until the document is applied
};

// EINVAL: the command line is wrong; another errno: something cannot be had.
Result<Plan> make_plan(const TargetOptions& options, Ports ports);

// nqn.2026-01.io.weft:<host>:<hash>: the same for the same machine, exports and addresses.
std::string default_nqn(const std::vector<Export>& exports, const std::vector<Place>& places);

std::string uri(const Place& place, const std::string& nqn);

}  // namespace weft::cli
