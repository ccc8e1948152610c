// Abort (NVMe Base 2.1, section 5.1.1).  A command on a queue of another loop is aborted there, by message.
#include <bit>
#include <memory>

#include "base/call.h"
#include "base/reached.h"
#include "target/admin/handlers.h"
#include "target/controller.h"
#include "target/queue.h"
#include "wire/admin_command.h"

namespace weft::target {

namespace {

void answer(Request& request, bool aborted) {
  request.complete_result(aborted ? 0 : wire::kAbortResultNotAborted);
}

// An Abort whose command lives on another loop.  `request` is the controller's loop's, and null when the
// Abort itself has ended meanwhile.
struct RemoteAbort {
  std::shared_ptr<Controller> controller;
  Queue& admin;
  Request* request;
};

// The place of the RemoteAbort in the request's scratch.
static_assert(sizeof(RemoteAbort*) == sizeof(std::uint64_t));

void forget(Request& request) {
  std::bit_cast<RemoteAbort*>(request.scratch[0])->request = nullptr;
}

void come_back(std::unique_ptr<RemoteAbort> remote, bool aborted) {
  if (Request* request = remote->request; request != nullptr) {
    request->state = Request::State::running;
    answer(*request, aborted);
  } else {
    WEFT_REACHED("target.connection_lost_while_aborting");
  }
  remote->admin.unpin();
}

// The queue lives until its loop has run this: its own leaving goes through the controller's loop first and
// comes back behind this message.
void abort_there(Request& request, Queue& queue, Cid cid) {
  Queue& admin = request.queue;
  auto remote = std::make_unique<RemoteAbort>(
      RemoteAbort{.controller = admin.controller().shared_from_this(), .admin = admin, .request = &request});
  request.scratch[0] = std::bit_cast<std::uint64_t>(remote.get());
  request.park(&forget);
  admin.pin();
  post_call(queue.loop(), [remote = std::move(remote), &queue, cid]() mutable {
    const bool aborted = queue.abort(cid);
    Loop& home = remote->admin.loop();
    post_call(home,
              [remote = std::move(remote), aborted]() mutable { come_back(std::move(remote), aborted); });
  });
}

}  // namespace

void abort_command(Request& request) {
  const auto command = wire::parse_abort(request.sqe());
  if (!command) {
    request.complete(command.error());
    return;
  }
  Queue* queue = request.queue.controller().queue(command->sqid);
  const bool itself = queue == &request.queue && command->cid == request.cid;
  if (queue == nullptr || itself)
    answer(request, false);
  else if (&queue->loop() == &request.queue.loop())
    answer(request, queue->abort(command->cid));
  else
    abort_there(request, *queue, command->cid);
}

}  // namespace weft::target
