#include "target/overdue.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "target/controller.h"
#include "target/queue.h"
#include "target/request.h"
#include "target/view.h"
#include "wire/opcodes.h"

namespace weft::target {

namespace {

// Empty: it waits for nothing that should come.
std::optional<std::string_view> place_of(const Request& request) {
  switch (request.state) {
    case Request::State::running:
      return "for the target itself";
    case Request::State::awaiting_buffers:
      return "for memory";
    case Request::State::pulling:
      return "for data of the host";
    case Request::State::fenced:
      return "for writes of lost connections, or fused pairs, of the same blocks";
    case Request::State::claiming:
      return "for writes of the same blocks, as a fused pair";
    case Request::State::in_backend:
    case Request::State::awaited:
      return "for the backend";
    case Request::State::sending:
      return "for the host to take its data";
    case Request::State::late:
      return "though their connection is lost, for the backend";
    case Request::State::parked:
      break;
  }
  return std::nullopt;
}

std::string describe(const Request& request, bool is_admin) {
  // What its connection has taken along is not known any more.
  if (request.state == Request::State::late) return "a command";
  std::string text = wire::command_name(request.sqe(), is_admin);
  if (request.ns != nullptr) text += fmt::format(" of namespace {}", request.ns->info().nsid.value());
  return text;
}

Overdue overdue_of(Queue& queue, const Request& request, std::string_view place, Duration time) {
  Overdue one{.peer = queue.path().peer, .place = place, .commands = 1, .time = time};
  if (queue.joined()) {
    one.hostnqn = queue.controller().host().nqn;
    one.subnqn = queue.controller().subsystem().nqn();
  }
  if (request.ns != nullptr) one.backend = request.ns->info().backend->name();
  one.oldest = describe(request, queue.is_admin());
  return one;
}

void add(std::vector<Overdue>& all, Overdue one) {
  const auto same = std::ranges::find_if(all, [&](const Overdue& each) { return each.is_of_same(one); });
  if (same == all.end()) return all.push_back(std::move(one));
  one.commands += same->commands;
  if (same->time > one.time) {
    same->commands = one.commands;
    return;
  }
  *same = std::move(one);
}

}  // namespace

std::vector<Overdue> find_overdue(LoopState& state, Duration longer_than) {
  std::vector<Overdue> all;
  const Time now = state.loop().now();
  for (Queue& queue : state.queues()) {
    for (const Request& request : queue.in_flight()) {
      const Duration time = now - request.came_at;
      if (time <= longer_than) break;  // those behind it came later
      if (const auto place = place_of(request)) add(all, overdue_of(queue, request, *place, time));
    }
  }
  return all;
}

}  // namespace weft::target
