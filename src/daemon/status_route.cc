#include "daemon/status_route.h"

#include <unistd.h>

#include <utility>

#include "daemon/version.h"

namespace weft::daemon {

namespace {

using nlohmann::ordered_json;

ordered_json device_counts(const std::vector<std::shared_ptr<config::Device>>& devices) {
  std::size_t open = 0;
  std::size_t opening = 0;
  for (const auto& device : devices) {
    const auto state = device->state();
    open += state == config::Device::State::open ? 1 : 0;
    opening += state == config::Device::State::opening ? 1 : 0;
  }
  return {{"all", devices.size()}, {"open", open}, {"opening", opening}};
}

ordered_json reactor_counts(const reactor::Reactors& reactors, const HealthState& health) {
  ordered_json all = ordered_json::array();
  for (const Loop* loop : reactors.all()) {
    const reactor::ReactorStats stats = reactors.stats(*loop);
    const auto& silent = health.silent.at(loop->index());
    all.push_back({{"in_use", loop->index() < reactors.in_use()},
                   {"carries", stats.carries},
                   {"turns", stats.turns},
                   {"sleeps", stats.sleeps},
                   {"completions", stats.completions},
                   {"longest_turn_ns", stats.longest_turn_ns},
                   {"silent_seconds", silent ? ordered_json(seconds(*silent)) : ordered_json(nullptr)}});
  }
  return all;
}

ordered_json overdue(const std::vector<target::Overdue>& commands) {
  ordered_json all = ordered_json::array();
  for (const target::Overdue& each : commands)
    all.push_back({{"host", each.hostnqn},
                   {"subsystem", each.subnqn},
                   {"address", each.peer},
                   {"waits", each.place},
                   {"backend", each.backend},
                   {"commands", each.commands},
                   {"oldest", each.oldest},
                   {"seconds", seconds(each.time)}});
  return all;
}

ordered_json goings_on(const config::Model& model,
                       const std::vector<std::shared_ptr<config::Device>>& devices) {
  ordered_json all = ordered_json::array();
  const auto now = std::chrono::steady_clock::now();
  for (const auto& one : model.goings_on()) {
    const std::chrono::duration<double> time = now - one.since;
    all.push_back({{"path", one.path}, {"what", one.what}, {"seconds", time.count()}});
  }
  for (const auto& device : devices)
    if (device->state() == config::Device::State::opening)
      all.push_back({{"path", device->path()}, {"what", "opens"}});
  return all;
}

}  // namespace

faces::Route status_route(config::Configuration& configuration, const reactor::Reactors& reactors,
                          const Health& health) {
  return {
      .method = "GET",
      .pattern = "/v1/status",
      .summary =
          "Version, how much there is, where it listens, how the reactors do, which commands take long, and "
          "what goes on behind removals",
      .handle = [&configuration, &reactors, &health](const faces::Call&, faces::Respond respond) {
        const config::Model& model = configuration.model();
        const auto devices = model.devices();
        const HealthState state = health.state();
        respond({.body = {{"version", kVersion},
                          {"process", ::getpid()},
                          {"tenants", model.subsystems().size()},
                          {"devices", device_counts(devices)},
                          {"listeners", configuration.listening()},
                          {"reactors", reactor_counts(reactors, state)},
                          {"overdue", overdue(state.overdue)},
                          {"goings_on", goings_on(model, devices)}}});
      }};
}

}  // namespace weft::daemon
