// What passed through the transport.  One writer for each set (its loop), any reader.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "wire/tcp_pdu.h"

namespace weft::tcp {

inline constexpr std::size_t kPduTypes = static_cast<std::size_t>(wire::tcp::PduType::r2t) + 1;

// A snapshot.
struct Counts {
  std::uint64_t pdus_in[kPduTypes] = {};  // by PduType
  std::uint64_t pdus_out[kPduTypes] = {};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t header_digest_errors = 0;
  std::uint64_t data_digest_errors = 0;
  std::uint64_t fatal_errors = 0;  // connections ended because of what the host sent
  std::uint64_t timeouts = 0;      // no ICReq or no Connect in time
};

struct Counters {
  Counter pdus_in[kPduTypes];
  Counter pdus_out[kPduTypes];
  Counter bytes_in;
  Counter bytes_out;
  Counter header_digest_errors;
  Counter data_digest_errors;
  Counter fatal_errors;
  Counter timeouts;

  void count_in(wire::tcp::PduType type) { pdus_in[static_cast<std::size_t>(type)].add(1); }
  void count_out(wire::tcp::PduType type) { pdus_out[static_cast<std::size_t>(type)].add(1); }

  void add_to(Counts& sum) const {
    for (std::size_t i = 0; i < kPduTypes; ++i) {
      sum.pdus_in[i] += pdus_in[i].value();
      sum.pdus_out[i] += pdus_out[i].value();
    }
    sum.bytes_in += bytes_in.value();
    sum.bytes_out += bytes_out.value();
    sum.header_digest_errors += header_digest_errors.value();
    sum.data_digest_errors += data_digest_errors.value();
    sum.fatal_errors += fatal_errors.value();
    sum.timeouts += timeouts.value();
  }
};

}  // namespace weft::tcp
