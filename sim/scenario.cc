#include "sim/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <sstream>
#include <utility>

namespace weft::sim {

namespace {

using Words = std::vector<std::string>;

std::optional<std::uint64_t> number(std::string_view text, std::string_view unit = {}) {
  if (!text.ends_with(unit)) return std::nullopt;
  text.remove_suffix(unit.size());
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> time(std::string_view text) {
  if (const auto us = number(text, "us")) return std::chrono::microseconds(*us);
  if (const auto ms = number(text, "ms")) return std::chrono::milliseconds(*ms);
  return std::nullopt;
}

bool read_fault(const Words& words, Scenario& scenario) {
  static constexpr struct {
    std::string_view name;
    Fault::Kind kind;
    bool lasts;
  } kKinds[] = {{"reset", Fault::Kind::reset, false},  {"cut", Fault::Kind::cut, true},
                {"stuck", Fault::Kind::stuck, true},   {"pause", Fault::Kind::pause, true},
                {"stall", Fault::Kind::stall, true},   {"kill", Fault::Kind::kill, true},
                {"power", Fault::Kind::power, true},   {"damage", Fault::Kind::damage, false},
                {"detach", Fault::Kind::detach, true}, {"ana", Fault::Kind::ana, true},
                {"grow", Fault::Kind::grow, false},    {"full", Fault::Kind::full, true},
                {"unlist", Fault::Kind::unlist, true}};
  if (words.size() < 4 || words[2] != "every") return false;
  for (const auto& [name, kind, lasts] : kKinds) {
    if (words[1] != name) continue;
    if (words.size() != (lasts ? 6u : 4u) || (lasts && words[4] != "for")) return false;
    const auto every = time(words[3]);
    const auto length = lasts ? time(words[5]) : Duration{};
    if (!every || !length || *every == Duration{}) return false;
    scenario.faults.push_back({kind, *every, *length});
    return true;
  }
  return false;
}

bool read_times(const Words& words, Duration& least, Duration& most) {
  if (words.size() != 3) return false;
  const auto from = time(words[1]);
  const auto to = time(words[2]);
  if (!from || !to || *to < *from) return false;
  least = *from;
  most = *to;
  return true;
}

bool read_digests(const Words& words, Scenario& scenario) {
  static constexpr std::pair<std::string_view, Digests> kNames[] = {{"none", Digests::none},
                                                                    {"header", Digests::header},
                                                                    {"both", Digests::both},
                                                                    {"random", Digests::random}};
  for (const auto& [name, digests] : kNames) {
    if (words.size() != 2 || words[1] != name) continue;
    scenario.digests = digests;
    return true;
  }
  return false;
}

bool read_cache(const Words& words, Scenario& scenario) {
  if (words.size() != 2 || (words[1] != "volatile" && words[1] != "none")) return false;
  scenario.disk.volatile_cache = words[1] == "volatile";
  return true;
}

bool read_transport(const Words& words, Scenario& scenario) {
  if (words.size() != 2 || (words[1] != "tcp" && words[1] != "loop")) return false;
  scenario.loop_transport = words[1] == "loop";
  return true;
}

// Empty: it can be run.
std::string rule_broken_by(const Scenario& scenario) {
  using enum Fault::Kind;
  const auto has_only = [&scenario](std::initializer_list<Fault::Kind> kinds) {
    return std::ranges::all_of(scenario.faults, [kinds](const Fault& fault) {
      return std::ranges::find(kinds, fault.kind) != kinds.end();
    });
  };
  const auto has_any = [&scenario](std::initializer_list<Fault::Kind> kinds) {
    return std::ranges::any_of(kinds, [&scenario](Fault::Kind kind) { return scenario.has(kind); });
  };
  if (scenario.largest + scenario.counters > scenario.disk.blocks)
    return fmt::format("largest and counters are {}, more than the {} blocks that there are",
                       scenario.largest + scenario.counters, scenario.disk.blocks);
  if (scenario.administrators > 0 &&
      (scenario.loop_transport || scenario.paths > 1 || has_any({detach, ana, grow})))
    return "with administrators there is one path, over TCP, and no fault of the kinds detach, ana and grow";
  if (scenario.administrators == 0 && has_any({unlist, full}))
    return "lists of hosts and a store are there only with administrators";
  if (scenario.counters > 0 && (scenario.disk.volatile_cache || scenario.paths > 1))
    return "what counters count is not to be undone by a loss of power, nor done twice by several paths";
  if (scenario.has(damage) && scenario.digests != Digests::both)
    return "what is damaged is found only with \"digests both\"";
  if (scenario.loop_transport && !has_only({stuck, pause, stall, detach, ana, grow}))
    return "with \"transport loop\" nothing is between host and target that could break";
  if (scenario.paths > 1 &&
      (scenario.loop_transport || !has_only({reset, cut, stuck, pause, stall, kill, power, ana})))
    return "with several paths there are TCP and faults of the kinds reset, cut, stuck, pause, stall, kill, "
           "power and ana";
  return {};
}

bool read_number(const Words& words, Scenario& scenario) {
  const struct {
    std::string_view name;
    unsigned& value;
    std::uint64_t least, most;
  } rows[] = {{"hosts", scenario.hosts, 1, 16},
              {"reactors", scenario.reactors, 1, 8},
              {"host_loops", scenario.host_loops, 1, 8},
              {"queues", scenario.queues, 1, 16},
              {"paths", scenario.paths, 1, 4},
              {"depth", scenario.depth, 1, 128},
              {"commands", scenario.commands, 1, 1'000'000},
              {"largest", scenario.largest, 1, 1024},
              {"counters", scenario.counters, 1, 64},
              {"administrators", scenario.administrators, 1, 16},
              {"changes", scenario.changes, 1, 100'000},
              {"disk_errors", scenario.disk.errors_one_in, 2, 1'000'000}};
  if (words.size() != 2) return false;
  const auto value = number(words[1]);
  if (words[0] == "blocks" && value && *value >= 1 && *value <= 65536) {
    scenario.disk.blocks = *value;
    return true;
  }
  for (const auto& row : rows) {
    if (row.name != words[0]) continue;
    if (!value || *value < row.least || *value > row.most) return false;
    row.value = static_cast<unsigned>(*value);
    return true;
  }
  return false;
}

bool read_line(const Words& words, Scenario& scenario) {
  if (words[0] == "fault") return read_fault(words, scenario);
  if (words[0] == "latency") return read_times(words, scenario.latency.least, scenario.latency.most);
  if (words[0] == "disk") return read_times(words, scenario.disk.least, scenario.disk.most);
  if (words[0] == "digests") return read_digests(words, scenario);
  if (words[0] == "cache") return read_cache(words, scenario);
  if (words[0] == "transport") return read_transport(words, scenario);
  return read_number(words, scenario);
}

}  // namespace

bool Scenario::has(Fault::Kind kind) const {
  return std::ranges::find(faults, kind, &Fault::kind) != faults.end();
}

bool Scenario::restarts_target() const {
  return has(Fault::Kind::kill) || has(Fault::Kind::power);
}

bool Scenario::breaks_connections() const {
  return has(Fault::Kind::reset) || has(Fault::Kind::cut) || restarts_target();
}

Result<Scenario> parse_scenario(std::string name, std::string_view text) {
  Scenario scenario;
  scenario.name = std::move(name);
  std::istringstream lines{std::string(text)};
  std::string line;
  for (unsigned count = 1; std::getline(lines, line); ++count) {
    std::istringstream parts(line.substr(0, line.find('#')));
    Words words;
    for (std::string word; parts >> word;) words.push_back(word);
    if (words.empty() || read_line(words, scenario)) continue;
    return fail(EINVAL,
                fmt::format("{}, line {}: \"{}\" is not understood; sim/scenario.h says what may stand there",
                            scenario.name, count, line));
  }
  if (const std::string rule = rule_broken_by(scenario); !rule.empty())
    return fail(EINVAL, fmt::format("{}: {}", scenario.name, rule));
  return scenario;
}

}  // namespace weft::sim
