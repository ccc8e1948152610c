// What programs ask a controller for, each in as many commands as it takes.  Blocks, as the session does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
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

inline constexpr std::uint64_t kMostNamespaceBytes = std::uint64_t{1} << 63;

struct NamespaceInfo {
  Nsid nsid;
  std::uint64_t blocks = 0;
  std::uint32_t block_bytes = 0;
  std::uint32_t metadata_bytes = 0;
  std::uint32_t ana_group = 0;
  bool write_protected = false;
  bool shared = false;
  std::optional<std::array<std::uint8_t, 16>> uuid;
  std::optional<std::array<std::uint8_t, 16>> nguid;
  std::optional<std::array<std::uint8_t, 8>> eui64;
  std::uint64_t bytes() const { return blocks * block_bytes; }
};
// An error for a namespace that is not active, or whose format nobody could use.
Result<NamespaceInfo> namespace_info(Session& session, Nsid nsid);

}  // namespace weft::host
