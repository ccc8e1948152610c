// The words of commands that connect to targets as a host.
#pragma once

#include <CLI/CLI.hpp>

#include "client/remote.h"

namespace weft::cli {

using client::looks_remote;
using client::parse_remote;
using client::Referrals;
using client::RemoteName;
using client::RemoteOptions;
using client::Remotes;

void add_identity_options(CLI::App& app, RemoteOptions& options);  // and digests
void add_remote_options(CLI::App& app, RemoteOptions& options);    // and times

}  // namespace weft::cli
