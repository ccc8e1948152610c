// File operations on a ring: starts them, resumes short ones, tells their owners.
#pragma once

#include "base/intrusive.h"
#include "base/slab.h"
#include "reactor/file_io.h"
#include "reactor/fixed_buffers.h"
#include "reactor/ring.h"

namespace weft::reactor {

class FileRing {
 public:
  // More wait here, so that they do not take the room of the network.
  static constexpr unsigned kMostInFlight = 512;

  // `otherwise`: who does what the kernel does not want to do on this ring.
  FileRing(Loop& loop, Ring& ring, FileRing* otherwise = nullptr)
      : loop_(loop), ring_(ring), otherwise_(otherwise), buffers_(ring) {}
  FileRing(const FileRing&) = delete;
  FileRing& operator=(const FileRing&) = delete;
  ~FileRing();

  // With the ring open.  `most_held_bytes`: see FixedBuffers.
  void open(std::uint64_t most_held_bytes) { buffers_.open(most_held_bytes); }
  void submit(FileOp& op);
  unsigned in_flight() const { return in_flight_; }

 private:
  struct Slot;
  void start(FileOp& op);
  void issue(Slot& slot);
  void prepare(io_uring_sqe& sqe, const Slot& slot);
  void on_completed(Slot& slot, int result);
  void finish(Slot& slot, int error);
  FileOp& leave(Slot& slot);
  void retry();

  Loop& loop_;
  Ring& ring_;
  FileRing* const otherwise_;
  FixedBuffers buffers_;
  unsigned in_flight_ = 0;
  struct Slot : Completion, ListHook<> {
    Slot(FileRing& ring_of_slot, FileOp& its_op)
        : Completion(&Slot::invoke), files(ring_of_slot), op(its_op) {}
    static void invoke(Completion& completion, int result, std::uint32_t) noexcept {
      auto& slot = static_cast<Slot&>(completion);
      slot.files.on_completed(slot, result);
    }
    FileRing& files;
    FileOp& op;
    std::uint64_t done_bytes = 0;
  };
  Slab<Slot> slots_;
  List<FileOp> waiting_;
  List<Slot> retrying_;
  MemberTimer<FileRing, &FileRing::retry> retry_{*this};
};

}  // namespace weft::reactor
