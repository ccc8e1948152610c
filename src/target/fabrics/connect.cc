// Connect (NVMe Base 2.1, section 6.3): every check, with the guilty field's offset.
#include <bit>

#include "base/call.h"
#include "base/planted.h"
#include "base/reached.h"
#include "target/controller.h"
#include "target/fabrics/handlers.h"
#include "target/fabrics/loop_barrier.h"
#include "target/port.h"
#include "target/queue.h"
#include "target/target.h"
#include "wire/fabrics.h"

namespace weft::target::fabrics {

using namespace wire::status;

namespace {

constexpr std::uint32_t kDiscoveryKatoMs = 120'000;
constexpr std::uint32_t kMaxQueueEntries = 4096;

void invalid(Request& request, std::uint16_t offset, bool in_data) {
  WEFT_REACHED("target.connect_refused");
  request.finish(kConnectInvalidParameters.with_dnr(), wire::invalid_parameter_result(offset, in_data), 0);
}

// The controller of an I/O queue may have ended while its host was connecting, who is not to give up for it:
// no DNR.
void controller_is_gone(Request& request) {
  WEFT_REACHED("target.connect_to_ended_controller");
  request.finish(kConnectInvalidParameters,
                 wire::invalid_parameter_result(wire::connect_field::kCntlid, true), 0);
}

// A Connect whose answer waits for other loops.  Both ends live on the queue's loop: `request` is null once
// the connection was lost.
struct Waiting {
  Request* request;
  Queue& queue;
};

void forget(Request& request) {
  std::bit_cast<Waiting*>(request.scratch[0])->request = nullptr;
}

std::shared_ptr<Waiting> wait_for_loops(Request& request) {
  auto waiting = std::make_shared<Waiting>(Waiting{&request, request.queue});
  request.scratch[0] = std::bit_cast<std::uint64_t>(waiting.get());
  request.queue.pin();
  request.park(&forget);
  return waiting;
}

// The wait is over: the request, or null when the connection was lost.
Request* resume(Waiting& waiting) {
  Request* request = waiting.request;
  if (request == nullptr) {
    WEFT_REACHED("target.connection_lost_while_connecting");
    return nullptr;
  }
  request->state = Request::State::running;
  return request;
}

void accept(Request& request, const wire::Connect& command) {
  Queue& queue = request.queue;
  Controller& controller = queue.controller();
  const SubsystemSettings& settings = controller.settings();
  fabric::QueueLimits limits;
  limits.qid = command.qid;
  limits.entries = command.queue_size;
  limits.max_transfer_bytes = settings.mdts_bytes;
  if (!queue.is_admin()) limits.in_capsule_bytes = settings.in_capsule_bytes;
  const CommandTable& table = !queue.is_admin()           ? io_commands()
                              : controller.is_discovery() ? discovery_admin_commands()
                                                          : admin_commands();
  queue.bind(limits, !command.disable_sqflow, table);
  request.complete_result(wire::ConnectResult{.cntlid = controller.cntlid()}.encode());
}

void connect_admin(Request& request, const wire::Connect& command, const wire::ConnectParameters& parameters,
                   const std::shared_ptr<Subsystem>& subsystem) {
  Queue& queue = request.queue;
  if (parameters.cntlid != kDynamicController) return invalid(request, wire::connect_field::kCntlid, true);
  const bool discovery = subsystem->kind() == Subsystem::Kind::discovery;
  auto controller = std::make_shared<Controller>(
      subsystem, HostIdentity{std::string(parameters.hostnqn), parameters.hostid}, queue);
  if (const wire::Status added = subsystem->add_controller(controller); !added.ok()) {
    WEFT_REACHED("target.no_controller_for_host");
    return request.complete(added);
  }
  queue.join(controller, command.qid);
  // Who takes a subsystem from a port ends the controllers that it finds: this one may have come behind it.
  if (queue.port().find(subsystem->nqn()) != subsystem) {
    request.park(nullptr);  // never answered: the host comes again and hears that there is none
    return controller->end(fabric::CloseReason::removed);
  }
  const std::uint32_t kato = command.kato_ms == 0 && discovery ? kDiscoveryKatoMs : command.kato_ms;
  // Before this host hears that it has a new controller, every loop has noticed the ends of connections that
  // came before it: what those left in flight is fenced, so this host's writes cannot be overtaken by its own
  // past.
  auto then = [waiting = wait_for_loops(request), command, kato] {
    if (Request* connecting = resume(*waiting)) {
      connecting->queue.controller().set_keep_alive(kato);
      accept(*connecting, command);
    }
    waiting->queue.unpin();
  };
  if (planted(Bug::unseen_ends)) return post_call(queue.loop(), std::move(then));
  run_barrier(queue.target().loops(), queue.loop(), std::move(then));
}

void connect_io(Request& request, const wire::Connect& command, const wire::ConnectParameters& parameters,
                Subsystem& subsystem) {
  Queue& queue = request.queue;
  const std::shared_ptr<Controller> controller = subsystem.find_controller(parameters.cntlid);
  if (parameters.cntlid == kDynamicController) return invalid(request, wire::connect_field::kCntlid, true);
  if (!controller) return controller_is_gone(request);
  if (controller->host().nqn != parameters.hostnqn) {
    WEFT_REACHED("target.queue_of_other_host");
    return invalid(request, wire::connect_field::kHostnqn, true);
  }
  if (controller->host().id != parameters.hostid) {
    WEFT_REACHED("target.queue_of_other_host_id");
    return invalid(request, wire::connect_field::kHostid, true);
  }
  if (controller->port() != queue.port().options().id) {
    WEFT_REACHED("target.queue_by_other_port");
    return invalid(request, wire::connect_field::kCntlid, true);
  }
  if (controller->is_discovery() || command.qid.value() > controller->settings().qid_max) {
    WEFT_REACHED("target.queue_id_too_high");
    return invalid(request, wire::connect_field::kQid, false);
  }
  queue.join(controller, command.qid);
  post_call(controller->loop(), [controller, waiting = wait_for_loops(request), command] {
    const wire::Status status = controller->attach(waiting->queue, command.qid);
    post_call(waiting->queue.loop(), [waiting, command, status] {
      if (Request* connecting = resume(*waiting)) {
        if (status.ok())
          accept(*connecting, command);
        else if (status.is(kConnectInvalidParameters) && !status.dnr)
          controller_is_gone(*connecting);
        else
          connecting->complete(status);
      }
      waiting->queue.unpin();
    });
  });
}

void with_data(Request& request) {
  Queue& queue = request.queue;
  // Another Connect came first while this one waited for its data.
  if (queue.joined()) {
    WEFT_REACHED("target.other_connect_came_first");
    return request.complete(kCommandSequenceError.with_dnr());
  }
  const auto command = wire::parse_connect(request.sqe());
  if (!command) return invalid(request, command.error().location_byte, false);
  wire::ConnectData data;
  request.read_out(std::as_writable_bytes(std::span(&data, 1)));
  const auto parameters = wire::parse_connect_data(data);
  if (!parameters) {
    WEFT_REACHED("target.connect_data_refused");
    return invalid(request, parameters.error().location_byte, true);
  }

  const std::shared_ptr<Subsystem> subsystem = queue.port().find(parameters->subnqn);
  if (!subsystem) {
    WEFT_REACHED("target.connect_to_no_subsystem");
    return invalid(request, wire::connect_field::kSubnqn, true);
  }
  const std::uint32_t most =
      command->qid.value() == 0 ? kMaxQueueEntries : subsystem->settings().queue_entries;
  if (command->queue_size > most) {
    WEFT_REACHED("target.queue_too_long");
    return invalid(request, wire::connect_field::kSqsize, false);
  }
  if (command->qid.value() == 0)
    connect_admin(request, *command, *parameters, subsystem);
  else
    connect_io(request, *command, *parameters, *subsystem);
}

}  // namespace

void connect(Request& request) {
  if (request.queue.joined()) {
    WEFT_REACHED("target.connect_twice");
    return request.complete(kCommandSequenceError.with_dnr());
  }
  const auto command = wire::parse_connect(request.sqe());
  if (!command && command.error().status.is(kConnectInvalidParameters))
    return invalid(request, command.error().location_byte, false);
  if (!command) return request.complete(command.error());
  request.receive_data(wire::kConnectDataSize, &with_data);
}

}  // namespace weft::target::fabrics
