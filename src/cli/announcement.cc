#include "cli/announcement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/port_name.h"

namespace weft::cli {

namespace {

using nlohmann::json;

// As a shell takes it as one word.
std::string word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_/%+@=";
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The discovery service's own port is the one that hosts ask without being told.  Behind a translated address
// only the advertised one is known.
Place discovery_place(const Plan& plan, const Place& place) {
  if (place.traddr != reachable_address(place.listener).host_text()) return place;
  const auto own = std::ranges::find(plan.discovery, place.traddr, &Place::traddr);
  return own == plan.discovery.end() ? place : *own;
}

json place_json(const Place& place) {
  return {{"trtype", "tcp"},
          {"adrfam", place.traddr.find(':') == std::string::npos ? "ipv4" : "ipv6"},
          {"traddr", place.traddr},
          {"trsvcid", place.trsvcid},
          {"listener", place.listener.text()}};
}

}  // namespace

std::vector<std::string> host_commands(const Plan& plan) {
  std::vector<std::string> commands;
  for (const Place& place : plan.places) {
    const Place& discovery = discovery_place(plan, place);
    commands.push_back(
        fmt::format("nvme discover -t tcp -a {} -s {}", word(discovery.traddr), word(discovery.trsvcid)));
    commands.push_back(fmt::format("nvme connect -t tcp -a {} -s {} -n {}", word(place.traddr),
                                   word(place.trsvcid), word(plan.nqn)));
  }
  return commands;
}

std::string announcement_text(const Session& session) {
  const Plan& plan = session.plan();
  std::string text = fmt::format("serving {}\n", plan.nqn);
  std::size_t nsid = 0;
  for (const Export& each : plan.exports)
    text += fmt::format("  namespace {}: {}, {}\n", ++nsid, each.text, session.size_of(each));
  std::vector<std::string> addresses;
  for (const Place& place : plan.places) addresses.push_back(place.listener.text());
  text += fmt::format("listening on {}", fmt::join(addresses, ", "));
  addresses.clear();
  for (const Place& place : plan.discovery) addresses.push_back(place.listener.text());
  if (!addresses.empty()) text += fmt::format("; discovery on {}", fmt::join(addresses, ", "));
  text += "\n";
  for (const auto& note : plan.notes) text += fmt::format("note: {}\n", note);
  text += "on a Linux host, as root:\n";
  for (const auto& command : host_commands(plan)) text += fmt::format("  {}\n", command);
  return text;
}

std::string announcement_json(const Session& session) {
  const Plan& plan = session.plan();
  json object = {{"uri", uri(plan.places.front(), plan.nqn)},
                 {"nqn", plan.nqn},
                 {"pid", ::getpid()},
                 {"addresses", json::array()},
                 {"discovery", json::array()},
                 {"namespaces", json::array()},
                 {"commands", host_commands(plan)},
                 {"notes", plan.notes}};
  for (const Place& place : plan.places) object["addresses"].push_back(place_json(place));
  for (const Place& place : plan.discovery) object["discovery"].push_back(place_json(place));
  std::size_t nsid = 0;
  for (const Export& each : plan.exports)
    object["namespaces"].push_back(
        {{"nsid", ++nsid}, {"export", each.text}, {"device", "target/core/" + each.device}});
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace weft::cli
