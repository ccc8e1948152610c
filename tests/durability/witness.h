// Writes as a host, remembers what must be durable, and looks after the power was lost.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/dice.h"
#include "fabric/fake_host.h"

namespace weft::durability {

class Witness {
 public:
  Witness(fabric::FakeHost& host, Nsid nsid, std::uint64_t blocks, std::uint32_t block_bytes,
          std::uint64_t seed)
      : host_(&host),
        nsid_(nsid),
        block_bytes_(block_bytes),
        dice_(seed),
        blocks_(blocks),
        next_value_(seed << 32 | 1) {}

  struct Mix {
    std::uint64_t one_fua_in = 8;    // writes; 0: none is
    std::uint64_t one_flush_in = 8;  // commands; 0: none is
  };
  // Random writes and zeroes of a few blocks, on I/O queues 1 and 2.
  void work(int commands, Mix mix);
  void flush();             // and notes that all is durable
  void note_all_durable();  // something else has flushed
  void new_host(fabric::FakeHost& host) { host_ = &host; }

  // Reads every block: one line for each that has neither what was durable nor anything newer.  What was read
  // counts as durable from then on.
  std::vector<std::string> look();
  // Blocks that read as something else than what was written last, at the last look.
  std::size_t vanished() const { return vanished_; }
  std::size_t failed_commands() const { return failed_; }

 private:
  struct Block {
    std::uint64_t last = 0;              // what it would read now
    std::set<std::uint64_t> allowed{0};  // what it may read after the power was lost
  };

  void write(std::uint64_t lba, std::uint32_t blocks, bool fua);
  void zero(std::uint64_t lba, std::uint32_t blocks);
  void note(std::uint64_t lba, std::uint32_t blocks, std::uint64_t value, bool durable);
  void count(const fabric::FakeHost::Answer& answer) { failed_ += answer.ok() ? 0 : 1; }
  fabric::FakeHost::Via via(bool fua = false);

  fabric::FakeHost* host_;
  const Nsid nsid_;
  const std::uint32_t block_bytes_;
  Dice dice_;
  std::vector<Block> blocks_;
  std::uint64_t next_value_;  // no two seeds write the same
  std::size_t vanished_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace weft::durability
