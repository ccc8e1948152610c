// Rounds of figures, and how they are printed: lines of "name value unit".
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "transport/wire_pair.h"

namespace weft::bench {

inline double median(std::vector<double> all) {
  std::ranges::sort(all);
  return all[all.size() / 2];
}

inline void print(const std::string& name, double value, const char* unit) {
  fmt::print("{} {:.3f} {}\n", name, value, unit);
  (void)std::fflush(stdout);
}

struct Series {
  std::vector<double> per_second, p50, p99, p999, host_cpu, target_cpu;
  void add(const Figures& all) {
    const auto us = [&](double part) { return static_cast<double>(all.times.quantile(part)) / 1000; };
    per_second.push_back(all.per_second);
    p50.push_back(us(0.5));
    p99.push_back(us(0.99));
    p999.push_back(us(0.999));
    host_cpu.push_back(all.host_cpu_s);
    target_cpu.push_back(all.target_cpu_s);
  }
  void print_all(const std::string& name, std::uint64_t bytes_each) const {
    const auto [least, most] = std::ranges::minmax(per_second);
    print(name + ".iops", median(per_second), "iops");
    print(name + ".iops_spread", (most - least) / median(per_second), "ratio");
    print(name + ".bandwidth", median(per_second) * static_cast<double>(bytes_each) / (1 << 20), "MiB/s");
    print(name + ".p50", median(p50), "us");
    print(name + ".p99", median(p99), "us");
    print(name + ".p999", median(p999), "us");
    print(name + ".host_cpu", median(host_cpu), "s_per_million");
    print(name + ".target_cpu", median(target_cpu), "s_per_million");
  }
};

// Which rows the words of the command line name: those that begin as one of them says; all when there is
// none.
class Rows {
 public:
  // Ends the program on an option.
  Rows(int argc, char** argv) : words_(argv + 1, argv + argc) {
    if (words_.empty() || !words_[0].starts_with("-")) return;
    const std::string_view path = argv[0];
    fmt::print(stderr, "usage: {} [PREFIX...]\n", path.substr(path.rfind('/') + 1));
    std::exit(words_[0] == "--help" ? 0 : 2);
  }
  bool has(std::string_view name) const {
    return words_.empty() ||
           std::ranges::any_of(words_, [&](const std::string& word) { return name.starts_with(word); });
  }

 private:
  const std::vector<std::string> words_;
};

}  // namespace weft::bench
