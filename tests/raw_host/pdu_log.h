// What went over the wire, PDU by PDU, to be compared with a dissector's view of the same traffic.  Any
// thread; several connections share one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wire/tcp_pdu.h"

namespace weft::raw_host {

enum class Way : std::uint8_t { sent, received };

struct PduRecord {
  std::size_t connection = 0;  // PduLog::add_connection()
  Way way = Way::sent;
  std::uint8_t type = 0;  // wire::tcp::PduType, or what was sent instead
  std::uint32_t plen = 0;
  std::optional<std::uint16_t> cid;     // of all that belong to a command
  std::optional<std::uint8_t> opcode;   // CapsuleCmd
  std::optional<std::uint8_t> fctype;   // CapsuleCmd with a Fabrics command
  std::optional<std::uint16_t> status;  // CapsuleResp, without the phase tag
};

// Reads what a record says out of a PDU's header, which may be cut short.
PduRecord describe(std::size_t connection, Way way, std::span<const std::byte> header);

class PduLog {
 public:
  std::size_t add_connection(std::uint16_t local_port);  // the next number
  void add(PduRecord record);

  std::vector<PduRecord> records() const;
  std::size_t count(Way way, wire::tcp::PduType type) const;

  // One JSON object a line: "connection", "local_port", "way" (sent, received), "type", "name", "plen", and
  // "cid", "opcode", "fctype", "status" where the PDU has them.
  void write(std::ostream& out) const;
  void write(const std::string& path) const;  // throws Failure

 private:
  mutable std::mutex mutex_;
  std::vector<std::uint16_t> local_ports_;
  std::vector<PduRecord> records_;
};

}  // namespace weft::raw_host
