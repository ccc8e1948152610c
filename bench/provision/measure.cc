#include "provision/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <thread>

namespace weft::bench {

double Times::percentile(double of_hundred) const {
  std::vector<double> sorted = each_ms;
  std::ranges::sort(sorted);
  const double place = std::ceil(of_hundred / 100 * static_cast<double>(sorted.size()));
  return sorted.at(static_cast<std::size_t>(std::max(place, 1.0)) - 1);
}

double time_ms(const std::function<void()>& work) {
  const auto before = Clock::now();
  work();
  return Milliseconds(Clock::now() - before).count();
}

Times run_clients(std::size_t clients, std::size_t first, std::size_t count, const MakeClient& make,
                  const Work& work) {
  Times times;
  std::mutex mutex;
  std::atomic<std::size_t> next = first;
  const auto run = [&] {
    const auto client = make();
    std::vector<double> own;
    for (std::size_t number = next++; number < first + count; number = next++)
      own.push_back(time_ms([&] { work(*client, number); }));
    const std::scoped_lock lock(mutex);
    times.each_ms.insert(times.each_ms.end(), own.begin(), own.end());
  };
  times.total_s = time_ms([&] {
                    std::vector<std::jthread> threads;
                    for (std::size_t i = 0; i < clients; ++i) threads.emplace_back(run);
                  }) /
                  1000;
  return times;
}

void print(const std::string& name, double value, const std::string& unit) {
  fmt::print("{} {:.3f} {}\n", name, value, unit);
  std::fflush(stdout);
}

}  // namespace weft::bench
