// Known mistakes, planted into the product where a build asks for it (WEFT_PLANTED_BUGS, see
// docs/simulation.md): the simulator must find each of them, one at a time.  In any other build planted() is
// false at compile time and nothing is left of them.
#pragma once

#include <cstdint>

namespace weft {

enum class Bug : std::uint8_t {
  none,
  early_completion,         // a write is acknowledged before the backend has done it
  torn_write,               // the second half of a large write is forgotten
  dropped_flush,            // a flush is answered at once
  dropped_fua,              // a write that is to be durable goes like any other
  unfenced_late_write,      // commands do not wait for those that a lost connection left behind
  unseen_ends,              // a host is connected before the ends of its old connections were noticed
  stale_ana,                // a queue goes on with the ANA states that it saw first
  reply_twice,              // a response is sent again
  reply_lost,               // a response is never sent
  lost_event,               // now and then a host is not told of a change
  immortal_host,            // keep alive never expires
  unchecked_digest,         // data is taken whatever its digest says
  short_transfer,           // a transfer counts as over one PDU early
  used_after_close,         // a command goes with its connection while the backend still has it
  forgotten_turn,           // who has had its share of a turn is not read on in the next
  forgotten_buffer_waiter,  // who waits for memory is never served
  leaked_buffers,           // of commands that fail
  too_deep_queue,           // the host library has one command more under way than its queue has entries
  stale_size,               // a namespace that has grown or shrunk is checked against its old size
  undrained_namespace,      // a namespace counts as removed while commands are in it
  late_host_list,           // after a start, ports listen before their hosts are known
  early_commit,             // a change of the configuration is answered before it is durable
  unheld_pair,              // others write between what a fused pair compares and what it writes
};

#ifdef WEFT_PLANTED_BUGS
extern Bug planted_bug;  // set before anything runs
inline bool planted(Bug bug) {
  return planted_bug == bug;
}
#else
constexpr bool planted(Bug) {
  return false;
}
#endif

}  // namespace weft
