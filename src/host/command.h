// One command of a host, of whatever kind: wire/ builds its submission queue entry.
#pragma once

#include <cstdint>
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
  // How often it is sent again when its data was damaged or its status says that this may help.
  std::uint8_t tries_left = 5;

  bool ok() const { return end == End::completed && cqe.decoded_status().ok(); }
  // For people: "Read: Unrecovered Read Error (sct 2h, sc 81h)", "Write: the connection was lost".
  std::string failure() const;
  int error_code() const;  // an errno for it; 0: it is ok

 private:
  friend class Queue;
  Queue* queue_ = nullptr;
  Time deadline_{};
};

// The specification's name of what a submission queue entry asks for.
std::string name_of(const wire::Sqe& sqe, bool is_admin);
std::string status_text(wire::Status status);
int error_code(wire::Status status);

}  // namespace weft::host
