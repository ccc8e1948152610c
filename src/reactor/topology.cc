#include "reactor/topology.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>

namespace weft::reactor {

namespace {

std::optional<unsigned> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Cpus allowed_cpus() {
  Cpus cpus;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

Cpus parse_cpu_list(std::string_view list) {
  Cpus cpus;
  do {
    const auto first = take_number(list);
    if (!first) break;
    const auto last = take(list, '-') ? take_number(list) : first;
    if (!last || *last >= CPU_SETSIZE) break;
    for (unsigned cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
  } while (take(list, ','));
  return cpus;
}

std::vector<Cpus> memory_nodes(const Cpus& allowed, const std::string& directory) {
  std::map<unsigned, Cpus> by_number;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
    const std::string name = entry.path().filename();
    std::string_view rest = name;
    if (!rest.starts_with("node")) continue;
    rest.remove_prefix(4);
    const auto number = take_number(rest);
    if (!number || !rest.empty()) continue;
    std::string list;
    std::getline(std::ifstream(entry.path() / "cpulist"), list);
    Cpus cpus = parse_cpu_list(list);
    std::erase_if(cpus, [&](unsigned cpu) { return std::ranges::find(allowed, cpu) == allowed.end(); });
    if (!cpus.empty()) by_number.emplace(*number, std::move(cpus));
  }
  std::vector<Cpus> nodes;
  for (auto& [number, cpus] : by_number) nodes.push_back(std::move(cpus));
  return nodes;
}

Cpus place_reactor(unsigned index, unsigned count, const std::vector<Cpus>& nodes) {
  if (nodes.size() < 2) return {};
  std::size_t total = 0;
  for (const Cpus& node : nodes) total += node.size();
  std::size_t place = total * index / count;
  auto node = nodes.begin();
  while (place >= node->size()) place -= (node++)->size();
  return *node;
}

}  // namespace weft::reactor
