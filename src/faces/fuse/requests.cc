#include "faces/fuse/requests.h"

#include <cerrno>
#include <functional>

namespace weft::faces {

Requests::Part& Requests::part_of(fuse_req_t request) {
  constexpr std::size_t kApart = 64;  // malloc's: nearer ones would be the same request
  return parts_[std::hash<std::uintptr_t>{}(reinterpret_cast<std::uintptr_t>(request) / kApart) %
                parts_.size()];
}

std::optional<Requests::Ticket> Requests::begin(fuse_req_t request) {
  // libfuse touches the request on its way out of this call, so nobody may answer it, and thereby free it,
  // before: it is not among those that wait yet.
  fuse_req_interrupt_func(request, &on_interrupt, this);
  Part& part = part_of(request);
  const std::scoped_lock lock(part.mutex);
  if (part.closed || fuse_req_interrupted(request) != 0) {
    fuse_reply_err(request, part.closed ? ENODEV : EINTR);
    return std::nullopt;
  }
  const Ticket ticket{.request = request, .number = part.next++};
  part.waiting.emplace(ticket.request, ticket.number);
  return ticket;
}

void Requests::close() {
  for (Part& part : parts_) {
    const std::scoped_lock lock(part.mutex);
    part.closed = true;
    for (const auto& [request, number] : part.waiting) fuse_reply_err(request, ENODEV);
    part.waiting.clear();
  }
}

// libfuse keeps the request's memory during this call even if its answer is on the way, so it is no other
// request that has the same address.
void Requests::on_interrupt(fuse_req_t request, void* requests) {
  Part& part = static_cast<Requests*>(requests)->part_of(request);
  const std::scoped_lock lock(part.mutex);
  if (part.waiting.erase(request) != 0) fuse_reply_err(request, EINTR);
}

}  // namespace weft::faces
