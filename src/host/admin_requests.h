// What programs ask a controller for, each in as many commands as it takes.  Blocks, as the session does.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "host/namespace_info.h"
#include "host/session.h"
#include "wire/identify.h"
#include "wire/log_page.h"

namespace weft::host {

using Page = std::vector<std::byte>;

// 4096 bytes.
Result<Page> identify(Session& session, const wire::Identify& command);

// A part of a log page; more than one command may carry is asked for in pieces.
struct LogRequest {
  std::uint8_t lid = 0;
  Nsid nsid = kAllNamespaces;
  std::uint8_t lsp = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // a multiple of 4
  bool keeps_event = true;  // RAE: reading it does not clear its event
};
Result<Page> log_page(Session& session, const LogRequest& request);

// Ascending.
Result<std::vector<Nsid>> active_namespaces(Session& session);

// An error for a namespace that is not active, or whose format nobody could use.
Result<NamespaceInfo> namespace_info(Session& session, Nsid nsid);

}  // namespace weft::host
