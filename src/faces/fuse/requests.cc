#include "faces/fuse/requests.h"

#include <cerrno>

namespace weft::faces {

std::optional<Requests::Ticket> Requests::begin(fuse_req_t request) {
  // libfuse touches the request on its way out of this call, so nobody may answer it, and thereby free it,
  // before: it is not among those that wait yet.
  fuse_req_interrupt_func(request, &on_interrupt, this);
  const std::scoped_lock lock(mutex_);
  if (closed_ || fuse_req_interrupted(request) != 0) {
    fuse_reply_err(request, closed_ ? ENODEV : EINTR);
    return std::nullopt;
  }
  const Ticket ticket{.request = request, .number = next_++};
  waiting_.emplace(ticket.request, ticket.number);
  return ticket;
}

void Requests::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  for (const auto& [request, number] : waiting_) fuse_reply_err(request, ENODEV);
  waiting_.clear();
}

// libfuse keeps the request's memory during this call even if its answer is on the way, so it is no other
// request that has the same address.
void Requests::on_interrupt(fuse_req_t request, void* requests) {
  auto& self = *static_cast<Requests*>(requests);
  const std::scoped_lock lock(self.mutex_);
  if (self.waiting_.erase(request) != 0) fuse_reply_err(request, EINTR);
}

}  // namespace weft::faces
