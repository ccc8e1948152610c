// The kernel's requests that wait for the tree.  Each is answered once: by the tree, by an interrupt of the
// process that waits, or by the end of the mount, whichever comes first.  What comes later is dropped, and
// touches neither the request nor the session, which may be gone.
//
// Owned by the mount and by every answer that the tree still owes.  An answer runs under a lock that few
// others want: it only writes to /dev/fuse, which waits for nobody, but wakes the process that waits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "fuse/libfuse.h"

namespace weft::faces {

class Requests {
 public:
  struct Ticket {
    fuse_req_t request = nullptr;
    std::uint64_t number = 0;  // a new request may get the memory of an old one
  };

  Requests() = default;
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  // From now on an interrupt and the mount's end answer it.  Empty: they have, and the change must not begin.
  // The session's thread, before the tree is asked.
  std::optional<Ticket> begin(fuse_req_t request);

  // Calls `reply` with the request, which it must answer, when that still waits.  Any thread.
  template <class Reply>
  void finish(const Ticket& ticket, Reply&& reply) {
    Part& part = part_of(ticket.request);
    const std::scoped_lock lock(part.mutex);
    const auto found = part.waiting.find(ticket.request);
    if (found == part.waiting.end() || found->second != ticket.number) return;
    part.waiting.erase(found);
    std::forward<Reply>(reply)(ticket.request);
  }

  // Answers ENODEV to all that wait and to all that come.  Any thread; before the session is destroyed.
  void close();

 private:
  struct alignas(64) Part {
    std::mutex mutex;
    std::unordered_map<fuse_req_t, std::uint64_t> waiting;
    std::uint64_t next = 0;
    bool closed = false;
  };

  static void on_interrupt(fuse_req_t request, void* requests);
  Part& part_of(fuse_req_t request);

  std::array<Part, 16> parts_;
};

}  // namespace weft::faces
