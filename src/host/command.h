// One command of a host, of whatever kind: wire/ builds its submission queue entry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/loop.h"
#include "fabric/initiator.h"

namespace weft::host {

class Queue;

// The owner embeds it, sets sqe, data and then, gives it to Queue::submit and keeps it until then ran.
class Command : public fabric::HostCommand {
 public:
  using Then = void (*)(Command&) noexcept;

  Then then = nullptr;    // on the queue's loop, in a later turn than submit()
  Duration time_limit{};  // 0: the queue's
  // How often it is sent again when its data was damaged or its status says that this may help.  What a path
  // refuses by its state (asymmetric access) does not count: that goes on for as long as commands wait for a
  // path.
  std::uint8_t tries_left = 5;
  // The second of a fused pair, Compare and Write (NVMe Base 2.1, section 3.4.4): it goes right behind this
  // one, nobody else submits it, and `then` of this one tells when both have ended.  A pair that is lost is
  // sent again as a pair.
  Command* fused_with = nullptr;

  // Whether somebody asked for its end: then it is lost, was aborted, or has ended as it would have.
  bool is_cancelled() const { return cancelled_; }

  bool ok() const { return end == End::completed && cqe.decoded_status().ok(); }
  // For people: "Read: Unrecovered Read Error (sct 2h, sc 81h)", "Write: the connection was lost".
  std::string failure() const;
  int error_code() const;  // an errno for it; 0: it is ok

 private:
  friend class Queue;
  friend class IoQueue;
  enum class Place : std::uint8_t { ended, without_path, waiting, pausing, sent, ending };
  Place place_ = Place::ended;
  bool cancelled_ = false;
  Queue* queue_ = nullptr;
  Command* first_ = nullptr;    // of a pair's second
  bool one_has_ended_ = false;  // of a pair
  Time deadline_{};
  std::optional<Time> refused_at_;  // by a path, the first time
};

std::string status_text(wire::Status status);
int error_code(wire::Status status);

}  // namespace weft::host
