// Compare and Write, two commands that are carried out as one (NVMe Base 2.1, section 3.4.2; NVM Command Set
// 1.1, section 3.1): what the first finds is what the second replaces, since no other write of the same
// blocks takes effect in between, whichever host, subsystem or loop it comes from.  Reads may come in
// between.
//
// The first command takes the memory for both at once, so that it never waits for the second's while it holds
// its own, and does all work at the backend.  With both commands' data here the pair holds its range in the
// backend's fence; then each loop has the fence wait for the writes of that range that it has under way.
//
// Made by the queue for the first command, and gone with the last of its users: its halves, the queue while
// the second is expected, and what the pair has sent out to come back.  Belongs to the queue's loop; keeps
// the queue, and the namespace from the moment at which it wants the range.
#pragma once

#include <optional>

#include "base/loop.h"
#include "block/backend.h"
#include "target/request.h"
#include "wire/io_command.h"

namespace weft::target {

class FusedPair {
 public:
  // Of one command; Atomic Write Unit Exceeded beyond it.
  static constexpr std::size_t kMaxBytes = 32 * 1024;

  static bool may_begin(const wire::Sqe& first);

  explicit FusedPair(Request& first);
  FusedPair(const FusedPair&) = delete;
  FusedPair& operator=(const FusedPair&) = delete;

  // --- for the queue.  The pair may be gone afterwards.
  void begin();
  void join(Request& second);
  void stay_alone();    // another command came instead of the second
  void forget_queue();  // the connection is about to be lost

  // --- for Request
  // A half is to be answered, or has been lost and is gone.
  void ended(Request& half, wire::Status status, std::uint16_t error_location);
  void lost(const Request* half);
  const block::Fence::Late& hold() const { return hold_; }

 private:
  enum Part : unsigned { kTheirs, kOurs, kNew, kParts };
  enum class Stage : std::uint8_t { gathering, claiming, comparing, writing, over };
  struct Outcome {
    wire::Status status;
    std::uint16_t error_location = 0xFFFF;
  };
  struct Half {
    Request* request = nullptr;  // null: not here yet, or gone
    std::optional<Outcome> outcome;
    bool has_data = false;
  };
  ~FusedPair();
  iovec& part(Part which) { return parts_[which]; }
  Half& half_of(const Request& request) { return &request == first_.request ? first_ : second_; }
  void cut_parts();
  bool understand_second();
  void take_memory();
  void pull(Half& half, Part into);
  void advance();
  void claim();
  void go_on();
  void settle();
  void run_io(block::Op op, Part data, Step next);
  void compare();
  void compared();
  void written();
  void answer();
  unsigned answer(Half& half);  // how many users that ends
  void let_go_of_range();
  void may_pass();
  void unuse(unsigned users);

  Queue& queue_;
  Half first_;
  Half second_;
  Stage stage_ = Stage::gathering;
  unsigned users_ = 2;  // the first half and the queue
  bool has_memory_ = false;
  bool fua_ = false;
  wire::LbaRange range_;
  iovec parts_[kParts]{};
  NamespaceView* ns_ = nullptr;  // entered, once the range is wanted
  block::Fence::Late hold_;
  MemberTask<FusedPair, &FusedPair::may_pass> pass_{*this};
  block::Fence::Waiter waiter_;
};

}  // namespace weft::target
