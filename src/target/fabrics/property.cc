#include "target/controller.h"
#include "target/fabrics/handlers.h"
#include "target/queue.h"
#include "wire/fabrics.h"

namespace weft::target::fabrics {

using namespace wire::status;

namespace {

constexpr std::uint16_t kOffsetByte = 44;

}  // namespace

void property_get(Request& request) {
  const auto command = wire::parse_property_get(request.sqe());
  if (!command) return request.complete(command.error());
  if (!request.queue.is_admin()) return request.complete(kInvalidField.with_dnr());
  bool known = false;
  const std::uint64_t value = request.queue.controller().read_property(command->offset, command->size, known);
  if (!known) return request.complete(wire::CommandError{kInvalidField.with_dnr(), kOffsetByte, 0});
  request.complete_result(value);
}

void property_set(Request& request) {
  const auto command = wire::parse_property_set(request.sqe());
  if (!command) return request.complete(command.error());
  if (!request.queue.is_admin()) return request.complete(kInvalidField.with_dnr());
  if (!request.queue.controller().write_property(command->offset, command->size, command->value))
    return request.complete(wire::CommandError{kInvalidField.with_dnr(), kOffsetByte, 0});
  request.complete();
}

// Ends this I/O queue alone (the admin queue has no such command).
void disconnect(Request& request) {
  const auto command = wire::parse_disconnect(request.sqe());
  if (!command) return request.complete(command.error());
  if (request.queue.is_admin()) return request.complete(kInvalidQueueType.with_dnr());
  Queue& queue = request.queue;
  queue.pin();
  request.complete();
  queue.close(fabric::CloseReason::host_disconnect);
  queue.unpin();
}

}  // namespace weft::target::fabrics
