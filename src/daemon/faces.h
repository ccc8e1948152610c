// The ways to reach the configuration of a running weftd: a directory and a socket.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/result.h"
#include "daemon/log.h"
#include "daemon/server.h"

namespace weft::daemon {

// Empty: not given, and then what cannot be had is a warning.  "none": none.
struct FaceOptions {
  std::string tree;
  std::string kernel_tree;  // empty: none
  std::string socket;
  std::string socket_group;
};

void add_face_options(CLI::App& app, FaceOptions& options);

// An error: what was asked for by name cannot be had, or there is neither a configuration nor a way to make
// one.
Result<> show_faces(Server& server, const FaceOptions& options, bool has_configuration, LogJournal& journal);

}  // namespace weft::daemon
