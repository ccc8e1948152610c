// Asynchronous events of one controller (NVMe Base 2.1, sections 5.1.2 and 3.1.4): the requests that wait,
// the events that have no request yet, and the masking of an event type until its log page was read.  Belongs
// to the controller's loop.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/intrusive.h"
#include "target/request.h"
#include "wire/admin_command.h"

namespace weft::target {

class Events {
 public:
  static constexpr std::size_t kMaxRequests = 4;  // AERL + 1

  // Parks an Asynchronous Event Request, or answers it at once with an event that waits; Asynchronous Event
  // Request Limit Exceeded when too many wait.
  void add_request(Request& request);
  void remove_request(Request& request);  // it was aborted or its connection is lost

  // Sends the event, or keeps it until a request comes.  One of the same kind that waits, or was sent and
  // whose log page was not read since, stands for it.
  void raise(wire::AsyncEvent event);
  // Its log page was read without RAE: the next event of that kind may be sent.
  void log_read(wire::LogId log);

  // The Changed Namespace List (log 04h): filled by changes, emptied by reading.
  void note_changed(Nsid nsid);
  std::vector<Nsid> take_changed(bool clear);  // ascending; one FFFFFFFFh when there were more than 1,024

 private:
  struct Kind {
    wire::AsyncEvent event;
    bool pending = false;  // waits for a request
    bool sent = false;     // masked until the log page is read
  };
  Kind& kind_of(wire::AsyncEvent event);
  void send();

  std::vector<Kind> kinds_;
  std::vector<Request*> requests_;
  std::vector<Nsid> changed_;
  bool changed_overflow_ = false;
};

}  // namespace weft::target
